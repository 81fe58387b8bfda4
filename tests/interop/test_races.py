"""Many at once at a control plane in a process of its own: one wins, and nobody honest loses."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from lab import ControlPlane

from interop.load import Crowd, Line

ROUNDS = 5


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crowd]:
    """A crowd of one person."""
    with ControlPlane(tmp_path_factory.mktemp("races")) as plane:
        yield Crowd.on(plane, people=1)


async def fresh(crowd: Crowd) -> Line:
    async with crowd.client() as http:
        if not crowd.browsers:
            await crowd.sign_in(http, crowd.users[0])
        await crowd.begin(http, crowd.browsers[0])
    assert crowd.faults == []
    return crowd.lines[-1]


async def test_fifty_refreshes_of_one_token_at_once_make_one_successor_and_sign_nobody_out(
    crowd: Crowd,
) -> None:
    for _ in range(ROUNDS):
        line = await fresh(crowd)
        async with crowd.client() as http:
            # Fifty connections, so that the requests and not their handshakes meet.
            await asyncio.gather(*(http.get("/health") for _ in range(50)))
            answers = await asyncio.gather(*(crowd.renew(http, line.tokens[-1]) for _ in range(50)))
            assert Counter(answer.status_code for answer in answers) == {200: 50}
            successors = {answer.json()["refresh_token"] for answer in answers}
            assert len(successors) == 1
            assert successors != {line.tokens[-1]}
            after = await crowd.renew(http, successors.pop())
            assert after.status_code == 200, after.text


async def test_a_code_redeemed_twice_at_once_starts_one_session_and_then_ends_it(crowd: Crowd) -> None:
    for _ in range(ROUNDS):
        code = await code_of(crowd)
        async with crowd.client() as http:
            await asyncio.gather(*(http.get("/health") for _ in range(2)))
            answers = await asyncio.gather(*(crowd.redeem(http, code) for _ in range(2)))
            assert sorted(answer.status_code for answer in answers) == [200, 400]
            winner, loser = sorted(answers, key=lambda answer: answer.status_code)
            assert loser.json()["reason"] == "code_reused"
            after = await crowd.renew(http, winner.json()["refresh_token"])
            assert after.status_code == 400
            assert after.json()["reason"] == "session_revoked"


async def code_of(crowd: Crowd) -> str:
    await fresh(crowd)
    async with crowd.client() as http:
        return await crowd.code(http, crowd.browsers[0])


async def test_an_assertion_presented_ten_times_at_once_is_taken_once(crowd: Crowd) -> None:
    for _ in range(ROUNDS):
        assertion = crowd.assertion()
        async with crowd.client() as http:
            await asyncio.gather(*(http.get("/health") for _ in range(10)))
            answers = await asyncio.gather(*(crowd.assert_itself(http, assertion) for _ in range(10)))
        assert Counter(answer.status_code for answer in answers) == {200: 1, 401: 9}


async def test_a_hundred_instances_of_a_service_at_once_all_get_their_tokens(crowd: Crowd) -> None:
    assertions = [crowd.assertion() for _ in range(100)]
    async with crowd.client(connections=100) as http:
        await asyncio.gather(*(http.get("/health") for _ in range(100)))
        answers = await asyncio.gather(*(crowd.assert_itself(http, one) for one in assertions))
    assert Counter(answer.status_code for answer in answers) == {200: 100}


def test_the_races_left_nothing_in_the_log_that_should_not_be_there(crowd: Crowd) -> None:
    log = Path(crowd.plane.folder / "control-plane.log").read_text("utf-8")
    assert "panicked" not in log
    assert " ERROR " not in log
