"""What is revoked stays revoked: through a crash before anybody was told, and through a restored backup."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from random import Random

import httpx
import pytest

from chaos.faults import Fault
from chaos.ledger import Credential, Ledger
from chaos.minting import Mint
from chaos.world import Gated, World

BOUND = 3
HELD = Fault("hold", 1, 60.0, 1.0, cuts=False, everything=False)


class House:
    """One application, some credentials, and the control plane."""

    def __init__(self, world: World, ledger: Ledger, mint: Mint, application: Gated) -> None:
        """Holds them."""
        self.world, self.ledger, self.mint, self.application = world, ledger, mint, application

    async def answer(self, credential: Credential, url: str = "") -> tuple[int, str]:
        """What the application says to a credential: the status, and the reason of a refusal."""
        name, value = credential.header
        async with httpx.AsyncClient(timeout=10) as http:
            answer = await http.get((url or self.application.url) + "/any", headers={name: value})
        return answer.status_code, "" if answer.is_success else str(answer.json()["reason"])

    async def revoke(self, credential: Credential) -> None:
        """Revokes a credential's session."""
        await self.world.administer("POST", f"/sessions/{credential.session}/revoke")

    async def another(self, name: str) -> str:
        """A gate that knows nothing yet, for the same client: the URL of an application started anew."""
        old = self.application
        port = int(old.url.rpartition(":")[2])
        gated = Gated(name, old.path, old.client, old.secret, old.workers, {**old.env})
        assert old.server is not None
        await asyncio.to_thread(old.server.kill)
        await self.world.start_application(gated, 2)
        self.world.applications[old.name] = gated
        self.application = gated
        return f"http://127.0.0.1:{port}"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    ledger = Ledger(BOUND)
    world = await World.start(tmp_path, "crash", BOUND, ledger)
    mint = Mint(world, ledger, Random("mint"))
    try:
        application = await world.open("tokens", "/any", workers=2)
        await mint.register(people=2, machines=1, api=application)
        for _ in range(3):
            await mint.user_token(application)
        yield House(world, ledger, mint, application)
    finally:
        await mint.close()
        await world.stop()


async def until(done: Callable[[], Awaitable[bool]], what: str, seconds: float = 8.0) -> None:
    began = time.monotonic()
    while not await done():
        assert time.monotonic() - began < seconds, f"waited {seconds:g} s for {what}"
        await asyncio.sleep(0.02)


async def test_a_revocation_written_before_a_kill_is_told_after_the_restart(house: House) -> None:
    victim, other, _ = house.ledger.credentials
    assert await house.answer(victim) == (200, "")
    await house.world.weather(house.application, HELD)
    await house.revoke(victim)
    house.world.plane.kill()
    assert await house.answer(victim) == (200, ""), (
        "nobody can have told the gate yet, and the bound is not over"
    )
    await house.world.restart_plane()
    await house.world.weather(house.application, None)

    async def is_told() -> bool:
        return (await house.answer(victim))[0] == 401

    await until(is_told, "the revocation to arrive")

    async def is_well() -> bool:
        return await house.answer(other) == (200, "")

    await until(is_well, "the other session to be let in")


async def history(house: House) -> str:
    """The part of the feed's epoch that belongs to the store."""
    application = house.application
    async with httpx.AsyncClient(auth=(application.client, application.secret)) as http:
        answer = await http.get(f"{house.world.plane.direct}/feed/snapshot?nonce=abc")
    epoch = answer.headers["etag"].strip('"').rpartition(".")[0]
    return str(epoch.rpartition("-")[0])


async def restored(house: House, *, whole: bool) -> list[Credential]:
    """Backs the data up, revokes two sessions, and puts the backup back: the whole directory, or the
    database alone. Gives what was revoked.
    """
    plane = house.world.plane
    await asyncio.to_thread(plane.stop)
    backup = plane.folder / "backup"
    shutil.copytree(plane.data_dir, backup)
    await house.world.restart_plane()
    victims = house.ledger.credentials[:2]
    for victim in victims:
        await house.revoke(victim)

    async def all_refused() -> bool:
        return all([(await house.answer(one))[0] == 401 for one in victims])

    await until(all_refused, "the gate to hear of them")
    await asyncio.to_thread(plane.stop)
    kept = [] if whole else [path for path in plane.data_dir.iterdir() if path.name == "revocation.witness"]
    for path in list(plane.data_dir.iterdir()):
        if path not in kept:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    for path in backup.iterdir():
        if plane.data_dir / path.name not in kept:
            shutil.copy2(path, plane.data_dir / path.name)
    await house.world.restart_plane()
    return victims


@pytest.mark.parametrize("whole", [False, True], ids=["the database alone", "the whole data directory"])
async def test_a_restored_backup_brings_nothing_back(house: House, whole: bool) -> None:
    before = await history(house)
    victims = await restored(house, whole=whole)
    unrevoked = house.ledger.credentials[2]

    async def has_moved() -> bool:
        return await history(house) != before

    await until(has_moved, "the epoch to move")
    for victim in victims:
        assert (await house.answer(victim))[0] in (401, 503), "a running gate forgot what was revoked"

    async def nothing_is_believed() -> bool:
        # What the backup does not know of cannot be told from the rest: all of it is over.
        return [(await house.answer(one))[0] for one in (*victims, unrevoked)] == [401, 401, 401]

    await until(nothing_is_believed, "the running gate to hear that all from before is over")
    await asyncio.sleep(1.2)  # Starts are known in whole seconds.
    for person in house.mint.people:
        person.cookies = {}
    await house.mint.user_token(house.application)
    fresh = house.ledger.credentials[-1]

    async def is_well() -> bool:
        return await house.answer(fresh) == (200, "")

    await until(is_well, "a session begun since to be let in by the running gate")
    await house.another("anew")
    for _ in range(2):
        for old in (*victims, unrevoked):
            # 503: it has never heard of the key, which is over too, and asks seldom for what strangers name.
            assert (await house.answer(old))[0] in (401, 503), "a gate that started anew believes it"
        await until(is_well, "it to be let in by the new gate")
    records = await house.world.administer("GET", "/audit?action=store.restored")
    assert len(records["records"]) == 1
