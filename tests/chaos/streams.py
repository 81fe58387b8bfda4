"""What happens to the messages of one stream of the feed on their way to a gate."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from random import Random

from chaos.faults import ON_EVENTS, Fault
from chaos.wire import chunked, cut


class Weather:
    """The fault that an application's connections meet now, if any."""

    def __init__(self) -> None:
        """Begins with none."""
        self.fault: Fault | None = None
        self.changed = asyncio.Event()
        self.counts: Counter[str] = Counter()
        self.past_events: list[bytes] = []
        """Messages that were sent to the application, of all times."""
        self.past_streams: list[list[bytes]] = []
        self.past_answers: dict[str, list[bytes]] = {}
        """Whole answers by what was asked for."""

    def set(self, fault: Fault | None) -> None:
        """Another fault, or none, from now on."""
        self.fault = fault
        before, self.changed = self.changed, asyncio.Event()
        before.set()

    def kind(self) -> str:
        """The kind of the fault, or nothing."""
        return self.fault.kind if self.fault else ""

    async def until_changed(self, seconds: float | None = None) -> None:
        """Waits for another fault, or so long."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.changed.wait(), seconds)


class Outlet:
    """A stream on its way to a gate."""

    def __init__(self, weather: Weather, writer: asyncio.StreamWriter, random: Random) -> None:
        """Writes to `writer` what the weather leaves over."""
        self.weather = weather
        self.writer = writer
        self.random = random
        self.ended = False
        self._late: asyncio.Queue[tuple[float, Fault, bytes]] = asyncio.Queue()
        self._held: list[bytes] = []
        self._held_since = 0.0

    async def carry(self, events: AsyncIterator[bytes]) -> None:
        """Takes events from `events` to the gate until either side ends."""
        sender = asyncio.create_task(self._send_late())
        try:
            async for event in events:
                if self.ended:
                    return
                await self._take(event)
        finally:
            sender.cancel()

    async def _take(self, event: bytes) -> None:
        weather = self.weather
        if weather.kind() == "hold":
            weather.counts["messages held"] += 1
            while weather.kind() == "hold":  # It goes on where it was, as after a cable was pulled.
                await weather.until_changed()
        if weather.kind() == "blackhole":
            weather.counts["streams fallen silent"] += 1
            await asyncio.Event().wait()  # For good: whoever waits for it has to notice.
        fault = weather.fault
        if fault is None or fault.kind not in ON_EVENTS:
            await self._flush()
            await self.send(event)
            return
        await getattr(self, f"_{fault.kind}")(fault, event)

    async def send(self, event: bytes) -> None:
        """Sends it as it is, as one chunk."""
        await self._write(chunked(event))

    async def _write(self, data: bytes) -> None:
        try:
            self.writer.write(data)
            await self.writer.drain()
        except OSError:
            self.ended = True

    async def _drop(self, fault: Fault, event: bytes) -> None:
        if self.random.random() < fault.strength:
            self.weather.counts["messages dropped"] += 1
        else:
            await self.send(event)

    async def _delay(self, fault: Fault, event: bytes) -> None:
        self.weather.counts["messages delayed"] += 1
        seconds = self.random.uniform(0, 2) * fault.strength * fault.seconds
        self._late.put_nowait((asyncio.get_running_loop().time() + seconds, fault, event))

    async def _send_late(self) -> None:
        while True:
            due, fault, event = await self._late.get()
            while self.weather.fault is fault and (left := due - asyncio.get_running_loop().time()) > 0:
                await self.weather.until_changed(left)
            await self.send(event)
            self._late.task_done()

    async def _duplicate(self, fault: Fault, event: bytes) -> None:
        await self.send(event)
        for _ in range(self.random.randint(1, 3)):
            self.weather.counts["messages repeated"] += 1
            again = self.random.choice(self.weather.past_events[-5:] or [event])
            await self.send(event if self.random.random() < fault.strength else again)

    async def _reorder(self, _: Fault, event: bytes) -> None:
        now = asyncio.get_running_loop().time()
        self._held_since = self._held_since if self._held else now
        self._held.append(event)
        if len(self._held) >= self.random.randint(2, 5) or now - self._held_since > 2:
            self.weather.counts["messages reordered"] += len(self._held)
            self.random.shuffle(self._held)
            await self._flush()

    async def _flush(self) -> None:
        held, self._held = self._held, []
        for event in held:
            await self.send(event)
        await self._late.join()  # What is late goes first.

    async def _replay(self, fault: Fault, event: bytes) -> None:
        """Old messages come, and most new ones do not, so that only the old ones could pass for life."""
        for _ in range(self.random.randint(1, 4)):
            self.weather.counts["messages replayed"] += 1
            await self.send(self.random.choice(self.weather.past_events or [event]))
        if self.random.random() > fault.strength:
            await self.send(event)

    async def _corrupt(self, fault: Fault, event: bytes) -> None:
        data = bytearray(chunked(event) if self.random.random() < 0.3 else event)
        is_chunk = len(data) > len(event)
        if self.random.random() < fault.strength:
            self.weather.counts["messages corrupted"] += 1
            for _ in range(self.random.randint(1, 8)):
                data[self.random.randrange(len(data))] ^= 1 << self.random.randrange(8)
        await self._write(bytes(data) if is_chunk else chunked(bytes(data)))

    async def _drip(self, fault: Fault, event: bytes) -> None:
        self.weather.counts["messages dripped"] += 1
        data, step = chunked(event), self.random.randint(1, 40)
        pause = fault.strength * fault.seconds * step / len(data)
        for start in range(0, len(data), step):
            await self._write(data[start : start + step])
            if self.weather.fault is fault and not self.ended:
                await self.weather.until_changed(pause)

    async def _truncate(self, fault: Fault, event: bytes) -> None:
        if self.random.random() > fault.strength:
            await self.send(event)
            return
        self.weather.counts["messages cut off"] += 1
        data = chunked(event)
        await self._write(data[: self.random.randrange(len(data))])
        cut(self.writer, hard=self.random.random() < 0.5)
        self.ended = True
