"""Probers: they call every worker of every application, all the time, with good and revoked credentials."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from dataclasses import dataclass, field
from random import Random

from chaos import wire
from chaos.ledger import Answer, Credential, Ledger
from chaos.proxy import children

GETTING_WELL = 5.0
"""Seconds after a fault in which a worker may still answer 503: what `chaos.lanes` allows, too."""

PATIENCE = 15.0
"""Seconds for an answer: longer than any worker is stopped."""

EACH = 2
"""Connections to each worker: while one waits, the other goes on."""


@dataclass(slots=True)
class Workers:
    """The workers of an application, as probers know them."""

    name: str
    port: int
    parent: int = 0
    connections: dict[int, int] = field(default_factory=dict[int, int])
    """How many connections there are to each worker."""
    good: dict[int, float] = field(default_factory=dict[int, float])
    """When each worker was last asked something that it then allowed."""

    def pids(self) -> list[int]:
        """The workers that run now."""
        found: list[int] = []
        for pid in children(self.parent):
            with contextlib.suppress(OSError), open(f"/proc/{pid}/cmdline", "rb") as command:
                if b"spawn_main" in command.read():
                    found.append(pid)
        return found

    def are_reached(self, count: int) -> bool:
        """Whether so many of them run, each with a connection."""
        pids = self.pids()
        return len(pids) == count and all(self.connections.get(pid) for pid in pids)

    def are_good_since(self, moment: float) -> bool:
        """Whether each of them has allowed something that was asked since."""
        return all(self.good.get(pid, 0.0) > moment for pid in self.pids())


class Prober:
    """The probers of one application."""

    def __init__(self, ledger: Ledger, workers: Workers, seed: str, interval: float) -> None:
        """`interval`: seconds between two requests on a connection."""
        self.ledger = ledger
        self.workers = workers
        self.random = Random(f"{seed}/probes/{workers.name}")
        self.interval = interval
        self.tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Keeps connections to every worker busy, and sends requests on new connections too."""
        try:
            await asyncio.gather(self._keep_connections(), self._strangers())
        finally:
            for task in self.tasks:
                task.cancel()

    async def _keep_connections(self) -> None:
        known = self.workers.connections
        while True:
            lacking = [pid for pid in self.workers.pids() if known.get(pid, 0) < EACH]
            if lacking:
                with contextlib.suppress(wire.WireError, OSError, TimeoutError):
                    await asyncio.wait_for(self._connect(lacking), 2)
            await asyncio.sleep(0.01 if lacking else 0.2)

    async def _connect(self, lacking: list[int]) -> None:
        """Opens a connection, and keeps it if a worker took it that lacks one."""
        reader, writer = await self._open()
        writer.write(b"GET /health HTTP/1.1\r\nhost: 127.0.0.1:%d\r\n\r\n" % self.workers.port)
        head = await wire.read_head(reader)
        await wire.read_body(reader, head)
        pid = int(head.get("x-worker") or 0)
        if pid in lacking:
            self.workers.connections[pid] = self.workers.connections.get(pid, 0) + 1
            task = asyncio.create_task(self._on_connection(reader, writer, pid))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)
        else:
            writer.close()

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.workers.port, limit=wire.LIMIT)

    async def _on_connection(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, pid: int
    ) -> None:
        try:
            while True:
                credential = self._choose(pid)
                if credential is not None:
                    answer = await self.ask(reader, writer, pid, credential)
                    if not answer.status:
                        return
                await asyncio.sleep(self.interval * self.random.uniform(0.5, 1.5))
        finally:
            self.workers.connections[pid] -= 1
            writer.close()

    async def _strangers(self) -> None:
        """Requests on new connections, whichever worker takes them."""
        while True:
            await asyncio.sleep(self.interval * 2)
            credential = self._choose(0)
            if credential is None:
                continue
            try:
                reader, writer = await asyncio.wait_for(self._open(), 2)
            except (OSError, TimeoutError):
                continue  # Nobody listens: the application is down.
            await self.ask(reader, writer, 0, credential)
            writer.close()

    async def everywhere(self) -> None:
        """Asks every worker with everything that is live and with what was revoked last. A worker that was
        started by the last fault has the time to get well that every fault leaves.
        """
        name = self.workers.name
        well = time.monotonic() + GETTING_WELL
        asked = self.ledger.of(name, live=True) + self.ledger.of(name, live=False)[-60:]
        left = set(self.workers.pids())
        while asked and left:
            worker = 0
            reader, writer = await self._open()
            for credential in asked:
                was_live = credential.is_live()
                answer = await self.ask(reader, writer, 0, credential)
                worker = answer.worker
                if worker not in left:
                    break
                if was_live and answer.status == 503 and time.monotonic() < well:
                    await asyncio.sleep(self.interval)
                    break
                right = answer.status == 200 if was_live else answer.status in (401, 403)
                if not right and was_live == credential.is_live():
                    told = f"{name}/{answer.worker} {credential.name} {answer.status} {answer.reason}"
                    self.ledger.violate(answer.ended, f"{told}: IN THE END, WITHOUT ANY FAULT")
            else:
                left.discard(worker)
            writer.close()

    def _choose(self, pid: int) -> Credential | None:
        """Most often one that was just revoked and that this worker has not refused yet."""
        ledger, name = self.ledger, self.workers.name
        now, dice = time.monotonic(), self.random.random()
        dead = ledger.of(name, live=False)
        if dice < 0.45:
            hot = [one for one in dead if now - one.dead < ledger.bound + 2 and pid not in one.refused_by]
            if hot:
                return self.random.choice(hot)
        if dice < 0.65 and dead:
            recent = [one for one in dead if now - one.dead < 3 * ledger.bound]
            return self.random.choice(recent if recent and dice < 0.55 else dead)
        live = ledger.of(name, live=True)
        return self.random.choice(live) if live else None

    async def ask(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        pid: int,
        credential: Credential,
    ) -> Answer:
        """Sends one request and has its answer judged. Without one the connection is of no use any more."""
        name, value = credential.header
        lines = [
            f"GET {credential.path} HTTP/1.1",
            f"host: 127.0.0.1:{self.workers.port}",
            "accept: application/json",
            f"{name}: {value}",
        ]
        started = time.monotonic()
        try:
            writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
            head, body = await asyncio.wait_for(self._answer(reader), PATIENCE)
        except (wire.WireError, OSError, TimeoutError) as error:
            said = str(error) or type(error).__name__
            broken = Answer(started, time.monotonic(), pid, 0, said)
            self.ledger.observe(credential, broken)
            return broken
        ended = time.monotonic()
        reason = ""
        if head.status >= 400:
            with contextlib.suppress(ValueError):
                reason = json.loads(body).get("reason", "")
        cookies = " | ".join(head.headers.get("set-cookie", []))
        worker = int(head.get("x-worker") or pid)
        found = Answer(started, ended, worker, head.status, reason, head.get("retry-after"), cookies)
        self.ledger.observe(credential, found)
        if head.status == 200:
            if credential.is_live():
                self.workers.good[worker] = max(started, self.workers.good.get(worker, 0.0))
            if cookies.startswith("sealgate=") and "max-age=0" not in cookies.lower():
                credential.take_cookie(cookies.partition(";")[0])
        return found

    async def _answer(self, reader: asyncio.StreamReader) -> tuple[wire.Head, bytes]:
        head = await wire.read_head(reader)
        return head, await wire.read_body(reader, head)
