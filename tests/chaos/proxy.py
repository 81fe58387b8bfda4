"""The network between applications and their control plane, on one loopback port, with faults.

It is a process of its own. Told which fault which application meets by JSON lines on stdin, it answers each
line with one on stdout. It knows applications by their client id, and who shows none by its process.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random
from typing import Any

from chaos import wire
from chaos.faults import Fault
from chaos.streams import Outlet, Weather

_KEPT = 400
"""Past messages of an application, of which some are replayed."""


class Proxy:
    """Passes requests on to the control plane, with each application's weather."""

    def __init__(self, upstream: int, seed: str) -> None:
        """The control plane listens on `upstream`."""
        self.upstream = upstream
        self.seed = seed
        self.weathers: dict[str, Weather] = {}
        self.parents: dict[str, int] = {}
        self._open: dict[StreamWriter, Weather] = {}
        self._connections = 0

    def take(self, told: dict[str, Any]) -> dict[str, Any]:
        """Does what the harness says."""
        if "report" in told:
            return {name: dict(weather.counts) for name, weather in self.weathers.items()}
        weather = self.weathers.setdefault(told["application"], Weather())
        if "parent" in told:
            self.parents[told["application"]] = told["parent"]
            return {}
        fault = Fault(**told["fault"]) if told["fault"] else None
        weather.set(fault)
        if fault and fault.cuts:
            for writer, its in list(self._open.items()):
                if its is weather:
                    weather.counts["connections cut"] += 1
                    wire.cut(writer, hard=True)
        return {}

    async def serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Serves one connection for as long as it lasts."""
        self._connections += 1
        connection = _Connection(self, reader, writer, Random(f"{self.seed}/{self._connections}"))
        watch = asyncio.current_task()
        assert watch is not None
        try:
            await connection.serve()
        except (wire.WireError, OSError):
            pass
        finally:
            self._open.pop(writer, None)
            wire.cut(writer, hard=False)

    def weather_of(self, head: wire.Head, writer: StreamWriter) -> Weather:
        """The weather of the application that a request comes from; fair where that is nobody's."""
        name = head.client() or self._by_process(writer)
        weather = self.weathers.get(name) or Weather()
        self._open[writer] = weather
        return weather

    def _by_process(self, writer: StreamWriter) -> str:
        known = self._open.get(writer)
        for name, weather in self.weathers.items():
            if weather is known:
                return name
        inode = _inode(writer.get_extra_info("peername")[1], writer.get_extra_info("sockname")[1])
        for name, parent in self.parents.items():
            for pid in (parent, *children(parent)):
                with contextlib.suppress(OSError):
                    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
                        with contextlib.suppress(OSError):
                            if descriptor.readlink().name == f"socket:[{inode}]":
                                return name
        return ""


def children(pid: int) -> list[int]:
    """The processes that a process has started."""
    with contextlib.suppress(OSError):
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def _inode(local: int, remote: int) -> str:
    ends = (f"0100007F:{local:04X}", f"0100007F:{remote:04X}")
    for line in Path("/proc/net/tcp").read_text().splitlines():
        fields = line.split()
        if (fields[1], fields[2]) == ends:
            return fields[9]
    return ""


class _Connection:
    """A connection of an application's."""

    def __init__(self, proxy: Proxy, reader: StreamReader, writer: StreamWriter, random: Random) -> None:
        self.proxy = proxy
        self.reader = reader
        self.writer = writer
        self.random = random
        self.weather = Weather()

    async def serve(self) -> None:
        while True:
            head = await wire.read_head(self.reader)
            body = await wire.read_body(self.reader, head)
            self.weather = self.proxy.weather_of(head, self.writer)
            if not await self._request(head, body):
                return

    async def _request(self, head: wire.Head, body: bytes) -> bool:
        """Answers a request; whether the connection goes on."""
        fault = self.weather.fault
        about_tokens = head.path.startswith("/oauth/") and not head.path.endswith("/jwks")
        if fault and fault.kind.startswith("tokens") and head.path == "/oauth/token":
            return await self._tokens(fault, head, body)
        if fault and (head.path.startswith("/feed/") or fault.everything):
            done = await self._on_connection(fault, head, about_tokens)
            if done is not None:
                return done
        return await self._pass(head, body)

    async def _on_connection(self, fault: Fault, head: wire.Head, about_tokens: bool) -> bool | None:
        """What the fault does to the whole request; nothing if the request passes."""
        counts, random = self.weather.counts, self.random
        if fault.kind == "hold":
            counts["requests held"] += 1
            while self.weather.fault is fault:
                await self.weather.until_changed()
            return None
        if fault.kind == "blackhole":
            counts["requests swallowed"] += 1
            await self.reader.read(1)  # Until who asked gives up.
            return False
        if fault.kind == "refuse" or (fault.kind == "reset" and random.random() < fault.strength):
            counts["connections reset"] += 1
            wire.cut(self.writer, hard=True)
            return False
        if fault.kind == "errors":
            return await self._error(about_tokens)
        past = self.weather.past_answers.get(head.path, [])
        if about_tokens:
            return None
        if fault.kind in ("cached", "old snapshot") and past:
            counts["old answers"] += 1
            self.writer.write(
                past[-1] if fault.kind == "cached" else random.choice(past[: len(past) // 2 + 1])
            )
            await self.writer.drain()
            return True
        silent = fault.kind == "old snapshot" and random.random() < 0.7
        if head.path.endswith("/events") and (fault.kind == "old stream" or silent):
            return await self._old_stream(fault, silent)
        return None

    async def _error(self, about_tokens: bool) -> bool:
        """What proxies and servers in trouble say. To the token endpoint nothing that reads like its own."""
        self.weather.counts["errors answered"] += 1
        html = b"<!doctype html><title>Gateway</title><h1>Something went wrong</h1>"
        statuses = (500, 502, 503, 504) if about_tokens else (200, 204, 301, 404, 429, 500, 502, 503)
        status = self.random.choice(statuses)
        self.writer.write(wire.answer(status, b"" if status == 204 else html, content_type="text/html"))
        await self.writer.drain()
        return self.random.random() < 0.5

    async def _old_stream(self, fault: Fault, silent: bool) -> bool:
        """A whole stream of earlier times, or one that says nothing, in place of the real one."""
        self.weather.counts["streams held" if silent else "old streams"] += 1
        stream = wire.Head("HTTP/1.1 200 OK", {"content-type": ["text/event-stream"]})
        stream.headers["transfer-encoding"] = ["chunked"]
        self.writer.write(stream.written())
        past = [] if silent else self.random.choice(self.weather.past_streams or [[]])
        pace = self.random.choice((0.0, 0.05, 1.0))
        for event in list(past):
            self.writer.write(wire.chunked(event))
            await self.writer.drain()
            await self.weather.until_changed(pace)
            if self.weather.fault is not fault:
                break
        while self.weather.fault is fault:
            await self.weather.until_changed()
        wire.cut(self.writer, hard=True)
        return False

    async def _tokens(self, fault: Fault, head: wire.Head, body: bytes) -> bool:
        self.weather.counts["token answers hit"] += 1
        if fault.kind == "tokens fail":
            return await self._error(about_tokens=True)
        if fault.kind == "tokens late":
            await self.weather.until_changed(self.random.uniform(0, fault.seconds))
            return await self._pass(head, body)
        reader, writer = await self._upstream(head, body)
        with contextlib.suppress(wire.WireError):
            await wire.read_head(reader)
        wire.cut(writer, hard=False)
        wire.cut(self.writer, hard=True)
        return False

    async def _upstream(self, head: wire.Head, body: bytes) -> tuple[StreamReader, StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.proxy.upstream, limit=wire.LIMIT)
        head.headers["connection"] = ["close"]
        writer.write(head.written() + body)
        await writer.drain()
        return reader, writer

    async def _pass(self, head: wire.Head, body: bytes) -> bool:
        try:
            reader, writer = await self._upstream(head, body)
        except OSError:
            wire.cut(self.writer, hard=True)  # Nobody listens: so it would be without a proxy.
            return False
        try:
            told = await wire.read_head(reader)
            told.headers.pop("connection", None)
            if told.is_stream:
                self.writer.write(told.written())
                await self._carry(reader)
                return False
            return await self._whole(head.path, told, await wire.read_body(reader, told))
        finally:
            wire.cut(writer, hard=False)

    async def _whole(self, path: str, told: wire.Head, body: bytes) -> bool:
        told.headers.pop("transfer-encoding", None)
        told.headers["content-length"] = [str(len(body))]
        data = told.written() + body
        if told.status == 200 and not path.startswith("/oauth/token"):
            past = self.weather.past_answers.setdefault(path, [])
            past.append(data)
            del past[:-30]
        fault = self.weather.fault
        if fault and path.startswith("/feed/") and self.random.random() < fault.strength:
            if fault.kind == "truncate":
                self.weather.counts["answers cut off"] += 1
                self.writer.write(data[: self.random.randrange(len(data))])
                wire.cut(self.writer, hard=self.random.random() < 0.5)
                return False
            if fault.kind == "corrupt" and body:
                self.weather.counts["answers corrupted"] += 1
                at = len(data) - 1 - self.random.randrange(len(body))
                data = data[:at] + bytes([data[at] ^ 1 << self.random.randrange(8)]) + data[at + 1 :]
            if fault.kind == "delay":
                self.weather.counts["answers delayed"] += 1
                await self.weather.until_changed(self.random.uniform(0, 2) * fault.seconds)
        self.writer.write(data)
        await self.writer.drain()
        return True

    async def _carry(self, reader: StreamReader) -> None:
        """The stream until either side ends it."""
        outlet = Outlet(self.weather, self.writer, self.random)
        stream: list[bytes] = []
        self.weather.past_streams.append(stream)
        del self.weather.past_streams[:-20]
        carrying = asyncio.create_task(outlet.carry(self._recorded(wire.events(reader), stream)))
        gone = asyncio.create_task(self.reader.read(1))
        resets = asyncio.create_task(self._reset_at_times())
        try:
            await asyncio.wait({carrying, gone, resets}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (carrying, gone, resets):
                task.cancel()
            await asyncio.gather(carrying, gone, resets, return_exceptions=True)

    async def _recorded(self, events: AsyncIterator[bytes], stream: list[bytes]) -> AsyncIterator[bytes]:
        past = self.weather.past_events
        async for event in events:
            past.append(event)
            if len(past) > _KEPT:
                del past[self.random.randrange(len(past))]  # Old and new ones stay in the choice.
            if len(stream) < _KEPT:
                stream.append(event)
            yield event

    async def _reset_at_times(self) -> None:
        while True:
            fault = self.weather.fault
            if fault is not None and fault.kind in ("reset", "refuse"):
                await self.weather.until_changed(self.random.uniform(0.1, 2.0))
                if self.weather.fault is fault:
                    self.weather.counts["connections reset"] += 1
                    wire.cut(self.writer, hard=True)
                    return
            else:
                await self.weather.until_changed()


async def main(port: int, upstream: int, seed: str) -> None:
    """Serves until stdin ends."""
    proxy = Proxy(upstream, seed)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", port, limit=wire.LIMIT, backlog=1024)
    told = StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(told), sys.stdin)
    print(json.dumps({"port": port}), flush=True)
    while line := await told.readline():
        print(json.dumps(proxy.take(json.loads(line))), flush=True)
    server.close()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]))
