"""A delegation that is taken back, measured: a user calls an application, which calls A, that B, and that C.

Every service is a process of its own behind its own gate. What ends, ends everywhere within B; what stands
above or beside it lives on.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping

import httpx
import pytest
from delegation_kit import (
    ACCESS_TOKEN,
    BOUND,
    CODE,
    EXCHANGE,
    Ask,
    Town,
    claims,
    in_words,
    refused,
    town,
)
from lab import Client, wait_until
from sessions import Realm

Measured = Callable[[str, dict[str, int]], None]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, realm: Realm) -> Iterator[Town]:
    """The services. `realm` finds the program."""
    assert realm.plane.port
    with town(tmp_path_factory.mktemp("delegations")) as place:
        yield place


@pytest.fixture
def measured(record_property: Callable[[str, object], None]) -> Measured:
    """Keeps what was measured with the test's result, and prints it."""

    def keep(what: str, told: dict[str, int]) -> None:
        record_property(what, told)
        print(in_words(what, told))

    return keep


class Call:
    """One call of a user through all services, and what each of them was sent."""

    def __init__(self, place: Town, credential: Mapping[str, str]) -> None:
        """Makes it, with the cookie of a session at the application, or with a token at A."""
        self.place = place
        start = "app" if "cookie" in credential else "a"
        self.said = place.chain(place.services[start].url, credential)
        self.tokens = {said["service"]: said["token"] for said in self.said if said["token"]}

    @property
    def grants(self) -> dict[str, str]:
        """For each service the delegation by which it was called."""
        return {name: grants[-1] for name in self.tokens if (grants := self.chain_of(name))}

    def chain_of(self, name: str) -> list[str]:
        """The delegations that the token at a service stands on."""
        return list(claims(self.tokens[name]).get("grants", []))

    def doors(self, *names: str) -> dict[str, Ask]:
        """Presents the tokens again that those services were sent, to each of their processes."""

        def present(url: str, token: str) -> Ask:
            return lambda: self.place.ask(url, token)

        return {
            door: present(url, self.tokens[name])
            for name in names
            for door, url in self.place.services[name].doors
        }

    def lives(self, *names: str) -> None:
        """Those services are open to what they were sent."""
        for door, ask in self.doors(*names).items():
            answer = ask()
            assert answer.status_code == 200, (door, answer.text)


def take_back(place: Town, grant: str) -> float:
    """Revokes a delegation; when it was begun."""
    since = time.monotonic()
    place.plane.cli("delegation", "revoke", grant)
    return since


def session(place: Town, cookie: Mapping[str, str]) -> httpx.Response:
    return place.http.get(f"{place.services['app'].url}/who", headers=cookie)


def test_every_hop_is_a_token_of_its_own_that_says_through_whom(place: Town) -> None:
    call = Call(place, place.signed_in())
    users = {said["user"] for said in call.said}
    assert len(users) == 1
    via = [(said["service"], said["kind"], said["via"]) for said in call.said]
    assert via == [
        ("app", "User", []),
        ("a", "User", ["app"]),
        ("b", "User", ["a", "app"]),
        ("c", "User", ["b", "a", "app"]),
    ]
    assert len(set(call.tokens.values())) == 3
    chain = call.chain_of("c")
    assert (chain[:1], chain[:2]) == (call.chain_of("a"), call.chain_of("b"))
    # What one service was sent opens no other.
    for name in "abc":
        for other in set("abc") - {name}:
            answer = place.ask(place.services[other].url, call.tokens[name])
            assert (answer.status_code, answer.json()["reason"]) == (401, "token_audience_wrong")


def test_revoking_the_one_in_the_middle_ends_what_is_under_it_everywhere_and_nothing_else(
    place: Town, measured: Measured
) -> None:
    cookie, other = place.signed_in(), place.signed_in()
    call, beside = Call(place, cookie), Call(place, other)
    since = take_back(place, call.grants["b"])
    told = refused(call.doors("b", "c"), since, "token_revoked")
    measured("the delegation in the middle", told)
    # Above it and beside it nothing has changed: the user's session, the first hop, another session.
    assert session(place, cookie).status_code == 200
    call.lives("a")
    beside.lives("a", "b", "c")
    # A gets no other token for this session, and the one it kept opens B no more.
    through_a = place.http.get(f"{place.services['app'].url}/chain", headers=cookie)
    assert through_a.status_code == 502
    assert through_a.json()["reason"] in {"token_revoked", "onward_refused"}
    a = place.services["a"]
    again = place.token(
        a.client,
        {
            "grant_type": EXCHANGE,
            "subject_token_type": ACCESS_TOKEN,
            "subject_token": call.tokens["a"],
            "resource": place.services["b"].url,
        },
    )
    assert (again.status_code, again.json()["reason"]) == (400, "delegation_revoked")
    listed = place.plane.cli("delegation", "list", "--session", call.said[0]["session"], "--all")
    states = {one["id"]: one["revoked_for"] for one in listed}
    assert states == {call.grants["a"]: None, call.grants["b"]: "admin", call.grants["c"]: "admin"}
    # The user starts again, and so does A.
    assert len(Call(place, place.signed_in()).said) == 4


def test_revoking_the_session_ends_every_hop_of_it(place: Town, measured: Measured) -> None:
    cookie = place.signed_in()
    call, beside = Call(place, cookie), Call(place, place.signed_in())
    since = time.monotonic()
    place.plane.cli("session", "revoke", call.said[0]["session"])
    asked = call.doors("a", "b", "c")
    told = refused(asked, since, "token_revoked")
    told |= refused({"app": lambda: session(place, cookie)}, since, "session_revoked")
    measured("the session", told)
    beside.lives("a", "b", "c")


def test_an_agent_stays_visible_behind_every_hop_and_so_does_the_end_of_what_it_began(
    place: Town, measured: Measured
) -> None:
    a = place.services["a"].url
    options = [
        *CODE,
        "--id",
        "robot",
        "--agent",
        "--resource",
        a,
        "--redirect-uri",
        "http://127.0.0.1:9/callback",
    ]
    added = place.plane.cli("client", "add", "Robot", "--scope", "work", *options)
    robot = Client(added["client"]["id"], added["secret"])
    own = place.code_flow(robot, place.ada, a)["access_token"]
    call = Call(place, {"authorization": f"Bearer {own}"})
    seen = [(said["service"], said["kind"], said["id"], said["via"]) for said in call.said]
    assert seen == [
        ("a", "Agent", "robot", []),
        ("b", "Agent", "robot", ["a"]),
        ("c", "Agent", "robot", ["b", "a"]),
    ]
    assert {said["user"] for said in call.said} == {claims(own)["sub"]}
    # Its own session's token stands on no delegation; the first is that of A, which acts for it.
    assert (call.chain_of("a"), len(call.chain_of("b")), len(call.chain_of("c"))) == ([], 1, 2)
    told = refused(call.doors("b", "c"), take_back(place, call.grants["b"]), "token_revoked")
    measured("the delegation of an agent's first service", told)
    call.lives("a")

    # Disabling the agent ends all that is left of it.
    own = place.code_flow(robot, place.ada, a)["access_token"]
    call = Call(place, {"authorization": f"Bearer {own}"})
    since = time.monotonic()
    place.plane.cli("client", "disable", "robot")
    told = refused(call.doors("a", "b", "c"), since, "token_revoked")
    measured("an agent that is disabled", told)


def test_whoever_is_named_alone_acts_on(place: Town) -> None:
    app = place.services["app"].client

    def exchanged(name: str, token: str, to: str) -> httpx.Response:
        form = {
            "grant_type": EXCHANGE,
            "subject_token_type": ACCESS_TOKEN,
            "subject_token": token,
            "resource": place.services[to].url,
        }
        return place.token(place.services[name].client, form)

    def registered(*change: str) -> None:
        place.plane.cli("client", "update", app.id, *change)
        # Of the second of a change nothing is believed that was told of the client.
        time.sleep(1.1)

    before = Call(place, place.signed_in())
    registered("--may-act", "b")
    try:
        # What was sent before says nothing of it, and is not exchanged any more.
        answer = exchanged("a", before.tokens["a"], "b")
        assert (answer.status_code, answer.json()["reason"]) == (400, "subject_token_outdated")
        # The gate of A lets the user in, and A acts on no more.
        cookie = place.signed_in()
        wait_until(lambda: session(place, cookie).status_code == 200, "the session", BOUND)
        through = place.http.get(f"{place.services['app'].url}/chain", headers=cookie)
        assert (through.status_code, through.json()) == (502, {"service": "a", "reason": "onward_refused"})
        # B does, which was never sent the token.
        back = f"{place.services['app'].url}/auth/callback"
        token = place.code_flow(app, place.ada, place.services["a"].url, back)["access_token"]
        assert claims(token)["may_act"] == {"sub": "b"}
        assert place.ask(place.services["a"].url, token).status_code == 200
        answer = exchanged("a", token, "b")
        assert (answer.status_code, answer.json()["reason"]) == (400, "subject_token_reserved")
        given = exchanged("b", token, "c").json()["access_token"]
        seen = place.ask(place.services["c"].url, given).json()
        assert (seen["kind"], seen["via"]) == ("User", ["b"])
        assert "may_act" not in claims(given)
    finally:
        registered("--unset", "may-act")
    assert len(Call(place, place.signed_in()).said) == 4


def test_a_cut_feed_is_503_past_the_bound_and_never_a_stale_yes(place: Town, measured: Measured) -> None:
    cookie = place.signed_in()
    call = Call(place, cookie)
    asked: dict[str, Ask] = {**call.doors("a", "b", "c"), "app": lambda: session(place, cookie)}
    place.plane.line.cut("/feed")
    time.sleep(0.1)  # What was under way has arrived, or is lost.
    since = time.monotonic()
    try:
        # Nobody hears of it.
        take_back(place, call.grants["b"])
        silent: dict[str, int] = {}
        while len(silent) < len(asked):
            for name, ask in asked.items():
                started = time.monotonic()
                answer = ask()
                if answer.status_code == 200:
                    assert name not in silent, f"{name} said yes after it said that it does not know"
                    assert started - since < BOUND, f"a stale yes of {name} after {started - since:.3f} s"
                else:
                    assert (answer.status_code, answer.json()["reason"]) == (503, "feed_stale"), answer.text
                    assert "retry-after" in answer.headers
                    silent.setdefault(name, round((time.monotonic() - since) * 1000))
            time.sleep(0.02)
        measured("silence after the feed was cut", silent)
        # As late as a gate may still have believed what it heard last, and not a moment after B.
        assert all(delay < (BOUND + 0.5) * 1000 for delay in silent.values()), silent
    finally:
        place.plane.line.mend("/feed")
    mended = time.monotonic()
    wait_until(lambda: session(place, cookie).status_code == 200, "the session to work again", 15)
    asked = call.doors("b", "c")
    wait_until(lambda: all(ask().status_code != 503 for ask in asked.values()), "the gates to know", 15)
    told = refused(asked, mended, "token_revoked")
    measured("what was missed, after the feed was mended", told)
    wait_until(lambda: all(ask().status_code == 200 for ask in call.doors("a").values()), "the first hop", 15)
