"""A control plane and three applications of four workers under every fault, and the promise held to.

No request with a revoked credential is allowed that was begun later than the bound after its revocation, and
after each fault every worker is well again within five seconds, by itself.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Sequence
from pathlib import Path
from random import Random

from chaos import report
from chaos.acts import Revoker
from chaos.faults import KINDS, plan
from chaos.lanes import Lane
from chaos.ledger import Ledger
from chaos.minting import Mint
from chaos.probes import Prober
from chaos.world import World

BOUND = 3
"""Seconds. The heartbeat comes each second: with less, every hiccup of a busy machine would be a 503."""

INTERVAL = 0.06
"""Seconds between two requests on each of a worker's connections."""

WANTED = {"sessions": 18, "roles": 18, "tokens": 24}
"""Live credentials of each application."""


class Run:
    """One run."""

    def __init__(self, folder: Path, seed: str, seconds: float, only: Sequence[str] = KINDS) -> None:
        """Keeps everything in `folder`."""
        self.folder = folder
        self.seed = seed
        self.seconds = seconds
        self.ledger = Ledger(BOUND)
        self.planned = plan(seed, list(WANTED), BOUND, seconds, only)
        self.world: World | None = None

    async def prepare(self) -> None:
        """Starts everything, and makes what is to be revoked."""
        self.world = world = await World.start(self.folder, self.seed, BOUND, self.ledger)
        self.mint = Mint(world, self.ledger, Random(f"{self.seed}/mint"))
        self.revoker = Revoker(world, self.ledger, self.mint, Random(f"{self.seed}/acts"))
        shared = self.folder / "shared"
        shared.mkdir(mode=0o700)
        await asyncio.gather(
            world.open("sessions", "/any"),
            # Each worker with a connection and a view of its own.
            world.open("roles", "/books", SEALGATE_SHARED_VIEW="off"),
            world.open("tokens", "/any", SEALGATE_SHARED_VIEW=str(shared)),
        )
        await self.mint.register(people=15, machines=6, api=world.applications["tokens"])
        await self.revoker.look()
        await asyncio.wait_for(self.mint.fill(WANTED, patient=True), 60)

    async def perform(self) -> None:
        """Lets the faults come, while everybody works."""
        world, ledger = self.world, self.ledger
        assert world is not None
        lanes = [Lane(world, ledger, self.revoker, one) for one in world.applications.values()]
        probers = [Prober(ledger, one.workers, self.seed, INTERVAL) for one in world.applications.values()]
        began = time.monotonic()
        until = began + self.seconds
        always = [asyncio.create_task(prober.run()) for prober in probers]
        actor = asyncio.create_task(self.revoker.run(0.35, self.seconds))
        always += [asyncio.create_task(self.mint.fill(WANTED))]
        try:
            planned = self.planned
            await _while_others_run(
                asyncio.gather(*(lane.run(planned[lane.application.name], until) for lane in lanes)),
                [*always, actor],
            )
            actor.cancel()
            await asyncio.gather(actor, return_exceptions=True)
            # In the end there is no fault: what is live is let in, and what is revoked refused, everywhere.
            now = time.monotonic()
            await _while_others_run(
                asyncio.gather(*(lane.recover(now, "all faults") for lane in lanes)), always
            )
            await _while_others_run(asyncio.gather(*(prober.everywhere() for prober in probers)), always)
        finally:
            for task in (*always, actor):
                task.cancel()
            await asyncio.gather(*always, actor, return_exceptions=True)

    async def stop(self) -> None:
        """Ends every process."""
        if self.world is not None:
            await self.mint.close()
            await self.world.stop()

    async def finish(self) -> Counter[str]:
        """What the proxy did."""
        counts: Counter[str] = Counter()
        assert self.world is not None
        for each in (await self.world.tell({"report": True})).values():
            counts.update(each)
        return counts


async def _while_others_run(work: Awaitable[object], others: list[asyncio.Task[None]]) -> None:
    """Waits for `work`; whatever else ends first has failed."""
    task = asyncio.ensure_future(work)
    done, _ = await asyncio.wait({task, *others}, return_when=asyncio.FIRST_COMPLETED)
    for ended in done:
        await ended
    await task


async def perform(run: Run) -> Counter[str]:
    """Prepares and performs a run, and ends every process; what the proxy did."""
    began = time.monotonic()
    try:
        await run.prepare()
        prepared = time.monotonic()
        await run.perform()
        print(f"prepared in {prepared - began:.0f} s, performed in {time.monotonic() - prepared:.0f} s")
        return await run.finish()
    finally:
        await run.stop()


def tell(run: Run, counts: Counter[str]) -> None:
    """Prints what was seen."""
    ledger = run.ledger
    met = {name: len(spans) for name, spans in ledger.spans.items()}
    print("\n".join(["faults of each application, one after the other:", *report.schedule(run.planned, met)]))
    print("\n".join(["", *report.table(ledger), ""]))
    print(report.counted("done by the proxy", counts))
    print(report.counted("revocations", ledger.revocations))
    print(report.counted("credentials", run.mint.made))
    print(f"bound {BOUND} s, seed {run.seed}")


def main() -> int:
    """The exit status: 1 when anything happened that must not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="how long faults come")
    parser.add_argument("--seed", default="", help="repeat the faults of an earlier run")
    parser.add_argument(
        "--only", nargs="+", default=KINDS, choices=KINDS, metavar="KIND", help=", ".join(KINDS)
    )
    given = parser.parse_args()
    seed = given.seed or os.urandom(6).hex()
    print(f"chaos: {given.seconds:.0f} s, seed {seed}; again: make chaos SEED={seed}", flush=True)
    folder = Path(tempfile.mkdtemp(prefix="sealgate-chaos-"))
    run = Run(folder, seed, given.seconds, given.only)
    well = False
    try:
        tell(run, asyncio.run(perform(run)))
        well = not run.ledger.violations
    finally:
        if well:
            shutil.rmtree(folder)
        else:
            (folder / "requests.log").write_text("\n".join(run.ledger.log) + "\n")
            print(f"seed {seed}; every request and the logs: {folder}", file=sys.stderr)
    for violation in run.ledger.violations[:3]:
        print(
            f"\nVIOLATION {violation}; around it:", *run.ledger.around(violation), sep="\n  ", file=sys.stderr
        )
    if not well:
        print(
            f"\n{len(run.ledger.violations)} violations:",
            *run.ledger.violations[:40],
            sep="\n  ",
            file=sys.stderr,
        )
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
