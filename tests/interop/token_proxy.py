"""A door to a protected server for programs that have no token: each request is passed on with one."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from urllib.parse import urlsplit

Reader = asyncio.StreamReader
Writer = asyncio.StreamWriter


class TokenProxy:
    """Passes requests on to another port of this machine, each over a connection of its own."""

    def __init__(self, target: str, token: str | None = None) -> None:
        """Listens on a free port for `target`, an origin."""
        self._target = urlsplit(target)
        self._token = token
        self._loop = asyncio.new_event_loop()
        self._ended = asyncio.Event()
        self._ready = threading.Event()
        self._port = 0
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._ready.wait(10)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._port}"

    def stop(self) -> None:
        """Ends it."""
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join(10)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._listen())

    async def _listen(self) -> None:
        tasks: set[asyncio.Task[None]] = set()

        def accept(reader: Reader, writer: Writer) -> None:
            task = asyncio.create_task(self._serve(reader, writer))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

        server = await asyncio.start_server(accept, "127.0.0.1", 0)
        self._port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._ended.wait()
        server.close()
        for task in [*tasks]:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, reader: Reader, writer: Writer) -> None:
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                await self._pass_on(reader, writer)
        finally:
            writer.transport.abort()

    async def _pass_on(self, reader: Reader, writer: Writer) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        first, *fields = head.decode("latin-1").split("\r\n")[:-2]
        # The server is to see itself under its own name, and whatever else was asked for as it is.
        own = {f"127.0.0.1:{self._port}", f"localhost:{self._port}"}
        kept = ["connection: close"]
        length = 0
        for field in fields:
            name, value = (part.strip() for part in field.split(":", 1))
            match name.lower():
                case "connection" | "authorization":
                    continue
                case "host" if value in own:
                    kept.append(f"host: {self._target.netloc}")
                    continue
                case "origin" if value.removeprefix("http://") in own:
                    kept.append(f"origin: http://{self._target.netloc}")
                    continue
                case "content-length":
                    length = int(value)
                case _:
                    pass
            kept.append(field)
        if self._token is not None:
            kept.append(f"authorization: Bearer {self._token}")
        body = await reader.readexactly(length)
        assert self._target.port is not None
        back, forth = await asyncio.open_connection("127.0.0.1", self._target.port)
        gone = asyncio.create_task(reader.read(1))  # The program hangs up: so does this.
        try:
            forth.write("\r\n".join([first, *kept, "", ""]).encode("latin-1") + body)
            while not gone.done():
                piece = asyncio.create_task(back.read(65_536))
                await asyncio.wait({piece, gone}, return_when=asyncio.FIRST_COMPLETED)
                if not piece.done():
                    piece.cancel()
                    break
                if not piece.result():
                    break
                writer.write(piece.result())
                await writer.drain()
            writer.close()
            await writer.wait_closed()
        finally:
            gone.cancel()
            forth.transport.abort()
