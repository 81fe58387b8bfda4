"""The line between an application and its control plane: an HTTP proxy that a test cuts or holds, by path."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from lab import ControlPlane, free_port

Reader = asyncio.StreamReader
Writer = asyncio.StreamWriter

CUT, HELD = "cut", "held"


class Line:
    """Passes requests on to another port of this machine, each over a connection of its own."""

    def __init__(self, port: int, target: int) -> None:
        """Listens on `port`, and passes on to `target`."""
        self.port = port
        self._target = target
        self._states: dict[str, str] = {}
        self._open: list[tuple[str, Writer]] = []
        self.asked: list[str] = []
        """The path of every request."""
        self._loop = asyncio.new_event_loop()
        self._end = asyncio.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._ready.wait(10)

    def cut(self, beginning: str) -> None:
        """From now on paths with this beginning are answered by nobody, and what is open there breaks off."""
        self._set(beginning, CUT)

    def hold(self, beginning: str) -> None:
        """From now on requests for paths with this beginning wait for ever."""
        self._set(beginning, HELD)

    def mend(self, beginning: str) -> None:
        """Paths with this beginning are reached again."""
        self._states.pop(beginning, None)

    def count(self, path: str) -> int:
        """How often a path was asked for."""
        return self.asked.count(path)

    def stop(self) -> None:
        """Ends it."""
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(10)

    def _set(self, beginning: str, state: str) -> None:
        self._states[beginning] = state

        def close() -> None:
            for path, writer in self._open:
                if path.startswith(beginning):
                    writer.transport.abort()

        self._loop.call_soon_threadsafe(close)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._listen())

    async def _listen(self) -> None:
        writers: list[Writer] = []
        tasks: set[asyncio.Task[None]] = set()

        def accept(reader: Reader, writer: Writer) -> None:
            writers.append(writer)
            task = asyncio.create_task(self._serve(reader, writer))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

        server = await asyncio.start_server(accept, "127.0.0.1", self.port)
        self._ready.set()
        await self._end.wait()
        server.close()
        # All of it ends while there is a loop to do it, a request that has not even begun too.
        for task in [*tasks]:
            task.cancel()
        await asyncio.sleep(0.05)
        for writer in writers:
            writer.transport.abort()
        await asyncio.sleep(0.05)

    async def _serve(self, reader: Reader, writer: Writer) -> None:
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                await self._pass_on(reader, writer)
        finally:
            writer.transport.abort()

    async def _pass_on(self, reader: Reader, writer: Writer) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        first, *fields = head.decode("latin-1").split("\r\n")[:-2]
        path = first.split(" ")[1].split("?")[0]
        self.asked.append(path)
        match next((state for start, state in self._states.items() if path.startswith(start)), None):
            case "cut":
                return
            case "held":
                await asyncio.sleep(3_600)
            case _:
                pass
        lengths = [field for field in fields if field.lower().startswith("content-length:")]
        body = await reader.readexactly(int(lengths[0].split(":")[1]) if lengths else 0)
        kept = [field for field in fields if not field.lower().startswith("connection:")]
        back, forth = await asyncio.open_connection("127.0.0.1", self._target)
        entry = (path, writer)
        self._open.append(entry)
        try:
            forth.write("\r\n".join([first, *kept, "connection: close", "", ""]).encode("latin-1") + body)
            while piece := await back.read(65_536):
                writer.write(piece)
                await writer.drain()
            writer.close()
            await writer.wait_closed()
        finally:
            self._open.remove(entry)
            forth.transport.abort()


class DistantControlPlane(ControlPlane):
    """A control plane whose issuer is at the other end of a line."""

    def __init__(self, folder: Path) -> None:
        """Starts it with its data in `folder`, and the line to it."""
        port = free_port()
        self.line = Line(free_port(), port)
        self._reached_at = f"http://127.0.0.1:{self.line.port}"
        super(ControlPlane, self).__init__(folder, port=port, options=["--issuer", self._reached_at])

    @property
    def issuer(self) -> str:
        """Its URL."""
        return self._reached_at


@contextmanager
def distant_control_plane(folder: Path) -> Generator[DistantControlPlane]:
    """Such a control plane for the time of the block."""
    with DistantControlPlane(folder) as plane:
        yield plane
        plane.line.stop()
