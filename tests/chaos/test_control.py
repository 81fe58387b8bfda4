"""The harness can fail: a promise that is broken on purpose is reported, and so is everything it forbids."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from chaos.acts import Revoker
from chaos.faults import KINDS, Fault, plan
from chaos.ledger import Act, Answer, Credential, Ledger, judge
from chaos.minting import Mint
from chaos.probes import Prober
from chaos.world import World

COOKIE = ("cookie", "sealgate=x")
REVOKED = Credential("one", "app", "/any", COOKIE, "app", 0.0, doubtful=9.9, dead=10.0, cause="session")
LIVE = Credential("two", "app", "/any", COOKIE, "app", 0.0)
ANSWER = Answer(started=20.0, ended=20.1, worker=1, status=200)
CLEARED = "sealgate=; Path=/; Max-Age=0"


async def test_a_gate_that_trusts_old_news_for_too_long_is_reported(tmp_path: Path) -> None:
    """It has a bound of 60 seconds where one is promised, and its feed is held."""
    ledger = Ledger(bound=1)
    world = await World.start(tmp_path, "control", 60, ledger)
    mint = Mint(world, ledger, Random("mint"))
    try:
        application = await world.open("tokens", "/any", workers=2, SEALGATE_SHARED_VIEW="off")
        await mint.register(people=2, machines=1, api=application)
        await asyncio.wait_for(mint.fill({"tokens": 6}, patient=True), 30)
        prober = asyncio.create_task(Prober(ledger, application.workers, "control", 0.02).run())
        try:
            await asyncio.sleep(1)
            assert ledger.violations == []
            held = Fault("hold", 1, 60.0, 1.0, cuts=False, everything=False)
            await world.weather(application, held)
            revoker = Revoker(world, ledger, mint, Random("acts"))
            assert await revoker.session(lambda _: True)
            await asyncio.sleep(2)
        finally:
            prober.cancel()
            await asyncio.gather(prober, return_exceptions=True)
    finally:
        await mint.close()
        await world.stop()
    assert ledger.violations
    assert all("ALLOWED 1." in violation for violation in ledger.violations), ledger.violations
    assert any("revoked: session" in line for line in ledger.around(ledger.violations[0], 2))


@pytest.mark.parametrize(
    ("credential", "answer", "verdict"),
    [
        (LIVE, ANSWER, ""),
        (REVOKED, ANSWER, "ALLOWED 10.000 s after it was revoked (session)"),
        (REVOKED, replace(ANSWER, started=13.0), ""),
        (REVOKED, replace(ANSWER, started=13.001), "ALLOWED 3.001 s after it was revoked (session)"),
        (REVOKED, replace(ANSWER, status=401, reason="session_revoked", set_cookie=CLEARED), ""),
        (LIVE, replace(ANSWER, status=401), "A LIVE CREDENTIAL WAS REFUSED: 401 "),
        (LIVE, replace(ANSWER, status=403), "A LIVE CREDENTIAL WAS REFUSED: 403 "),
        (LIVE, replace(ANSWER, status=401, set_cookie=CLEARED), "A LIVE CREDENTIAL WAS SIGNED OUT: 401 "),
        (LIVE, replace(ANSWER, status=503, retry_after="1"), ""),
        (LIVE, replace(ANSWER, status=503), "503 WITHOUT Retry-After"),
        (REVOKED, replace(ANSWER, status=503), "503 WITHOUT Retry-After"),
        (
            LIVE,
            replace(ANSWER, status=503, retry_after="1", set_cookie=CLEARED),
            "503 THAT CLEARS THE COOKIE",
        ),
        (REVOKED, replace(ANSWER, status=500), "BROKEN: status 500 "),
        (LIVE, replace(ANSWER, status=0, reason="no head"), "BROKEN: status 0 no head"),
    ],
)
def test_what_an_answer_may_not_do_is_told(credential: Credential, answer: Answer, verdict: str) -> None:
    assert judge(credential, answer, bound=3) == verdict


def test_a_refusal_is_no_wonder_once_the_revocation_has_begun() -> None:
    assert judge(REVOKED, replace(ANSWER, ended=9.95, status=401), bound=3) == ""
    assert judge(REVOKED, replace(ANSWER, ended=9.85, status=401), bound=3).startswith("A LIVE")


def test_what_was_made_while_something_broad_was_revoked_is_asked_about_never() -> None:
    ledger = Ledger(bound=3)
    act = Act("user", lambda one: one.user == "ada", began=10.0)
    ledger.begin(act)
    assert not ledger.add(replace(LIVE, user="ada", made=9.0))
    ledger.finish(act, 11.0)
    assert not ledger.add(replace(LIVE, user="ada", made=12.0))
    assert ledger.add(replace(LIVE, user="ada", made=12.6))
    assert ledger.add(replace(LIVE, user="bob", made=9.0))


def test_one_seed_gives_one_plan_with_every_kind_of_fault() -> None:
    names = ["a", "b", "c"]
    assert plan("seed", names, 3, 60) == plan("seed", names, 3, 60)
    assert plan("seed", names, 3, 60) != plan("another", names, 3, 60)
    rounds = -(-len(KINDS) // len(names))
    planned = plan("seed", names, 3, 60)
    met = {episode.fault.kind for name in names for episode in planned[name][:rounds]}
    assert met == set(KINDS)
