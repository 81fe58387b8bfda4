"""What happens to each application: fault, healing, recovery, again and again."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from random import Random

from chaos.acts import Revoker
from chaos.faults import ON_PROCESSES, Episode, Fault
from chaos.ledger import NEVER, Ledger, Row
from chaos.world import WORKERS, Gated, World

RECOVERY = 5.0
"""Seconds after healing until every worker lets in again what is live."""

START = 30.0
"""Seconds that a process may take to start, Python and all, on a busy machine."""


class Lane:
    """The faults of one application, one after the other."""

    def __init__(self, world: World, ledger: Ledger, revoker: Revoker, application: Gated) -> None:
        """`revoker` is asked for a revocation just before the control plane is killed."""
        self.world = world
        self.ledger = ledger
        self.revoker = revoker
        self.application = application
        self.workers = application.workers

    async def run(self, episodes: list[Episode], until: float) -> None:
        """Goes through the episodes until the time is over."""
        for episode in episodes:
            await asyncio.sleep(episode.calm)
            starts = episode.fault.kind in ("application killed", "old snapshot")
            if time.monotonic() + episode.fault.seconds + (4 if starts else 0) > until:
                return
            await self._episode(episode.fault)

    async def _episode(self, fault: Fault) -> None:
        name, began = self.application.name, time.monotonic()
        self.ledger.note(began, f"{name}: begins: {fault}")
        self.ledger.spans.setdefault(name, []).append((began, NEVER, fault.kind))
        row = self.ledger.rows.setdefault(fault.kind, Row())
        row.episodes += 1
        if fault.kind in ON_PROCESSES:
            await self._on_processes(fault, Random(fault.seed))
        elif fault.kind == "old snapshot":
            await self._old_snapshots(fault, Random(fault.seed))
        else:
            await self.world.weather(self.application, fault)
            await asyncio.sleep(fault.seconds)
            await self.world.weather(self.application, None)
        healed = time.monotonic()
        self.ledger.note(healed, f"{name}: healed: {fault.kind}")
        self.ledger.spans[name][-1] = (began, healed, fault.kind)
        row.seconds += healed - began
        took = await self.recover(healed, fault.kind)
        row.worst_recovery = max(row.worst_recovery, took)

    async def recover(self, healed: float, kind: str) -> float:
        """Waits until every worker is well; the seconds it took. Not to be well in time is a violation."""
        name = self.application.name
        complained = False
        while True:
            # Somebody else's fault starts the clock anew, and so does having nothing to ask with.
            since = max(healed, self.application.disturbed)
            live = self.ledger.of(name, live=True)
            since = max(since, min((one.made for one in live), default=NEVER))
            now = time.monotonic()
            if since < NEVER and self.workers.are_good_since(since) and self.workers.are_reached(WORKERS):
                took = max((self.workers.good[pid] for pid in self.workers.pids()), default=now) - since
                self.ledger.note(now, f"{name}: recovered from {kind} in {took:.3f} s")
                return took
            if now - since > RECOVERY and not complained:
                complained = True
                slow = [pid for pid in self.workers.pids() if self.workers.good.get(pid, 0.0) <= since]
                said = f"workers {slow} NOT RECOVERED {RECOVERY:.0f} s after {kind}"
                self.ledger.violate(now, f"{name}/0 {said}")
            if now - since > 4 * RECOVERY:
                return now - since
            await asyncio.sleep(0.02)

    async def _on_processes(self, fault: Fault, random: Random) -> None:
        if fault.kind == "plane restarted":
            await self._plane(fault, after_a_revocation=False)
        elif fault.kind == "plane killed":
            await self._plane(fault, after_a_revocation=True)
        elif fault.kind == "worker stopped":
            await self._stop_worker(fault, random)
        elif fault.kind == "worker killed":
            await self._kill_worker(random)
        else:
            await self._kill_application(fault.seconds)

    async def _kill_worker(self, random: Random) -> None:
        """One worker is gone, and uvicorn starts another."""
        self._excuse()
        victim = random.choice(self.workers.pids())
        os.kill(victim, signal.SIGKILL)
        await self._until_reached(without=victim)

    async def _kill_application(self, seconds: float) -> None:
        """All of its processes are gone at once, and started again after so long."""
        self._excuse()
        assert self.application.server is not None
        await asyncio.to_thread(self.application.server.kill)
        await asyncio.sleep(seconds)
        await self.world.start_application(self.application)
        await self._until_reached()

    async def _old_snapshots(self, fault: Fault, random: Random) -> None:
        """Only who starts anew asks for a snapshot: so something is killed while old ones are answered."""
        await self.world.weather(self.application, fault)
        await (self._kill_worker(random) if random.random() < 0.5 else self._kill_application(0.1))
        await asyncio.sleep(fault.seconds)
        await self.world.weather(self.application, None)

    async def _stop_worker(self, fault: Fault, random: Random) -> None:
        pid = random.choice(self.workers.pids())
        os.kill(pid, signal.SIGSTOP)
        try:
            await asyncio.sleep(fault.seconds)
        finally:
            os.kill(pid, signal.SIGCONT)

    async def _plane(self, fault: Fault, *, after_a_revocation: bool) -> None:
        """Kills the control plane, just after it wrote a revocation that nobody here can have heard of."""
        name = self.application.name
        held = Fault("hold", fault.seed, fault.seconds, 1.0, cuts=False, everything=False)
        async with self.world.plane_turn:
            if after_a_revocation:
                await self.world.weather(self.application, held)
                await self.revoker.session(lambda one: one.application == name)
            self.ledger.note(time.monotonic(), "the control plane is killed")
            await asyncio.to_thread(self.world.plane.kill)
            await asyncio.sleep(fault.seconds)
            await self.world.restart_plane()
            await self.world.weather(self.application, None)

    def _excuse(self) -> None:
        """Requests of now may break: their process ends."""
        self.ledger.excused[self.application.name] = NEVER

    async def _until_reached(self, without: int = 0) -> None:
        """Waits until all workers run and answer, and nobody talks to the one that is gone."""
        began = time.monotonic()
        while not self.workers.are_reached(WORKERS) or self.workers.connections.get(without):
            if time.monotonic() - began > START:
                self.ledger.violate(time.monotonic(), f"{self.application.name}/0 DID NOT START")
                break
            await asyncio.sleep(0.02)
        self.ledger.excused[self.application.name] = time.monotonic()
