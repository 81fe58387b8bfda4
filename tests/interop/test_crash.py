"""`kill -9` in the middle of the work: what was acknowledged is there, and what was spent stays spent."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing

import httpx
import pytest
from lab import ControlPlane

from interop.load import MIX, Crowd, Line

ROUNDS = 5
EACH = 1_000
"""Sign-ins, sessions and refreshes that are acknowledged before each kill: 5,000 in all."""


@pytest.fixture
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crowd]:
    """A crowd of twenty people."""
    with ControlPlane(tmp_path_factory.mktemp("crash")) as plane:
        yield Crowd.on(plane, people=20)


def signed_in_and_renewed(crowd: Crowd) -> int:
    """Sign-ins, sessions begun from them, and refreshes that were acknowledged."""
    return sum(crowd.done[kind] for kind in ("sign-in", "session", "refresh"))


async def work_and_kill(crowd: Crowd) -> None:
    """Kills the server while everybody works."""
    goal = signed_in_and_renewed(crowd) + EACH + crowd.random.randrange(20)

    def kill() -> None:
        if signed_in_and_renewed(crowd) >= goal:
            crowd.plane.kill()

    await crowd.run(kill)


async def each(lines: list[Line], check: Callable[[Line], Awaitable[None]]) -> None:
    """Checks lines, thirty-two at a time."""
    turn = asyncio.Semaphore(32)

    async def one(line: Line) -> None:
        async with turn:
            await check(line)

    await asyncio.gather(*(one(line) for line in lines))


async def check_line(crowd: Crowd, http: httpx.AsyncClient, line: Line) -> None:
    """What was acknowledged to this session's client is as it was told."""
    answer = await crowd.renew(http, line.tokens[-1])
    reason = answer.json().get("reason")
    if line.revoked:
        assert (answer.status_code, reason) == (400, "session_revoked"), "what was revoked came back"
        who = await http.get("/oauth/userinfo", headers={"authorization": f"Bearer {line.access}"})
        assert who.status_code == 401, "an access token of a revoked session works"
    elif line.ending and answer.status_code == 400:
        assert reason == "session_revoked"
        line.revoked = True
    else:
        assert answer.status_code == 200, f"{line} was acknowledged and is lost: {answer.text}"
        line.tokens.append(answer.json()["refresh_token"])
        line.access = answer.json()["access_token"]
    line.busy = line.ending = False


async def check_spent(crowd: Crowd, http: httpx.AsyncClient, line: Line) -> None:
    """A spent refresh token makes no second successor, and a spent code no second session."""
    newest = line.tokens[-1]
    for spent in line.tokens[-3:-1]:
        answer = await crowd.renew(http, spent)
        if answer.status_code == 200:
            assert answer.json()["refresh_token"] == newest, "a spent refresh token was accepted again"
        else:
            assert answer.json()["error"] == "invalid_grant", answer.text
    answer = await crowd.redeem(http, line.code)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant"), "a spent code was accepted"
    line.revoked = True


def acts_on_record(crowd: Crowd) -> set[str]:
    """The trace ids of every act in the audit log."""
    database = crowd.plane.data_dir / "sealgate.db"
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as audit:
        return {trace for (trace,) in audit.execute("SELECT trace FROM audit WHERE outcome = 'allowed'")}


@pytest.mark.slow
async def test_a_crash_loses_nothing_acknowledged_and_brings_nothing_back(
    crowd: Crowd, told: list[str]
) -> None:
    for number in range(ROUNDS):
        assertion = crowd.assertion()
        async with crowd.client() as http:
            assert (await crowd.assert_itself(http, assertion)).status_code == 200
        await work_and_kill(crowd)
        crowd.plane.restart()
        async with crowd.client() as http:
            again = await crowd.assert_itself(http, assertion)
            assert (again.status_code, again.json()["error"]) == (401, "invalid_client")
            # Those whose refresh was under way have a grace window, so they come first.
            order = sorted(crowd.lines, key=lambda line: not line.busy)
            await each(order, lambda line: check_line(crowd, http, line))
            some = [line for line in crowd.lines if not line.revoked][number::10]
            await each(some, lambda line: check_spent(crowd, http, line))
        record = acts_on_record(crowd)
        lost = {trace: what for trace, what in crowd.traces.items() if trace not in record}
        assert lost == {}, "acknowledged acts are not on record"
        assert crowd.faults == []
    for kind in (*MIX, "code"):
        assert crowd.done[kind] > 0, kind
    mix = ", ".join(f"{count} x {kind}" for kind, count in crowd.done.most_common())
    ended = sum(line.revoked for line in crowd.lines)
    told += [
        f"kill -9, {ROUNDS} times: {crowd.done.total()} acknowledged answers ({mix}),",
        f"{crowd.unknown} that never came; {len(crowd.lines)} sessions, {ended} of them ended for good",
    ]
