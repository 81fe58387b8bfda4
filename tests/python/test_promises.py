"""The promises, against running processes: one control plane and two processes of one application."""

from __future__ import annotations

import secrets
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from lab import Application, Browser, ControlPlane, User, free_port, settings, sign_in, wait_until

_EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "expense_tracker"

BOUND = 2.0
"""The staleness bound B of these applications, in seconds."""


@dataclass(frozen=True)
class World:
    """Who plays: the application stands in two processes that share its settings and nothing else."""

    plane: ControlPlane
    ada: User
    apps: tuple[str, str]

    def sign_in(self, user: User) -> dict[str, str]:
        """Signs in at the first process; the session's cookie."""
        with Browser() as browser:
            page = sign_in(browser, f"{self.apps[0]}/app", user.email, user.password)
            assert page.status == 200, page.text
            return browser.session_cookie(self.apps[0])

    def ask(self, cookie: dict[str, str], app: int = 0) -> httpx.Response:
        """Reads the expenses with a cookie."""
        return httpx.get(f"{self.apps[app]}/expenses", cookies=cookie, timeout=10)

    def live_sessions(self) -> list[str]:
        """The ids of Ada's sessions that are not revoked, oldest first: ids made later sort later."""
        sessions = self.plane.cli("session", "list", "--user", self.ada.email)
        return sorted(session["id"] for session in sessions if not session["revoked_at"])

    def refused(self, cookie: dict[str, str], within: float) -> None:
        """Waits until both processes refuse the cookie as revoked."""
        answers: list[httpx.Response] = []

        def refused() -> bool:
            answers[:] = [self.ask(cookie, app) for app in (0, 1)]
            return all(answer.status_code == 401 for answer in answers)

        wait_until(refused, "both processes to refuse", within, 0.005)
        assert [answer.json()["reason"] for answer in answers] == ["session_revoked"] * 2


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("promises")
    with ControlPlane(folder) as plane:
        ports = (free_port(), free_port())
        base_url = f"http://127.0.0.1:{ports[0]}"
        ada = plane.add_user("ada@example.com", "Ada")
        client = plane.add_client("Expense tracker", base_url)
        seal_key = urlsafe_b64encode(secrets.token_bytes(32)).decode()
        env = settings(plane.issuer, client, base_url, seal_key)
        env |= {"SEALGATE_STALENESS_BOUND": f"{BOUND:g}", "EXPENSES_DATABASE": str(folder / "expenses.db")}
        first, second = (
            Application(
                "expense_tracker.app:app",
                port=port,
                folder=folder,
                env=env,
                app_dir=_EXAMPLE,
                name=f"app-{port}",
            )
            for port in ports
        )
        with first, second:
            yield World(plane, ada, (first.url, second.url))


def test_a_session_revoked_from_the_shell_is_refused_by_every_process(world: World) -> None:
    cookie = world.sign_in(world.ada)
    assert [world.ask(cookie, app).status_code for app in (0, 1)] == [200, 200]
    (session,) = world.live_sessions()
    world.plane.cli("session", "revoke", session)
    world.refused(cookie, within=BOUND)


def test_disabling_a_user_ends_their_sessions_and_nobody_elses(world: World) -> None:
    eve = world.plane.add_user("eve@example.com", "Eve")
    cookies = [world.sign_in(eve), world.sign_in(eve)]
    others = world.sign_in(world.ada)
    world.plane.cli("user", "disable", eve.email)
    for cookie in cookies:
        world.refused(cookie, within=BOUND)
    assert world.ask(others).status_code == 200
    with Browser() as browser:
        page = sign_in(browser, f"{world.apps[0]}/app", eve.email, eve.password)
        assert page.status == 422, "a disabled account reads like a wrong password"


def test_a_silent_feed_is_503_past_the_bound_with_the_cookie_untouched(world: World) -> None:
    cookie = world.sign_in(world.ada)
    world.plane.kill()
    silent_since = time.monotonic()
    try:
        while (answer := world.ask(cookie)).status_code == 200:
            assert time.monotonic() - silent_since < BOUND + 1, "a stale yes past the bound"
            time.sleep(0.02)
        assert (answer.status_code, answer.json()["reason"]) == (503, "feed_stale")
        assert "retry-after" in answer.headers
        assert "set-cookie" not in answer.headers
        assert httpx.get(f"{world.apps[0]}/health").status_code == 200
        assert httpx.get(f"{world.apps[0]}/expenses").status_code == 401
        page = httpx.get(f"{world.apps[0]}/app", cookies=cookie, headers={"accept": "text/html"})
        assert page.status_code == 503, "a person is not sent to a sign-in that is away"
    finally:
        world.plane.restart()
    wait_until(lambda: world.ask(cookie).status_code == 200, "the session to work again", 5)


def test_what_was_revoked_stays_revoked_after_a_crash(world: World) -> None:
    revoked, kept = world.sign_in(world.ada), world.sign_in(world.ada)
    world.plane.cli("session", "revoke", world.live_sessions()[-2])
    world.plane.kill()
    world.plane.restart()
    wait_until(lambda: world.ask(kept).status_code == 200, "the other session to work again", 5)
    world.refused(revoked, within=5)


def test_sessions_survive_rotations_of_the_signing_key(world: World) -> None:
    cookie = world.sign_in(world.ada)
    kids: set[str] = set()
    for _ in range(3):
        world.plane.cli("key", "rotate", "--now")
        kids |= {key["kid"] for key in world.plane.cli("key", "list") if key["state"] == "active"}
        assert world.ask(world.sign_in(world.ada), 1).status_code == 200
    assert len(kids) == 3
    assert world.ask(cookie).status_code == 200
    time.sleep(BOUND + 0.5)
    assert world.ask(cookie).status_code == 200, "the feed is still believed under the new key"


def test_a_revoked_signing_key_ends_what_it_vouched_for_everywhere(world: World) -> None:
    cookie = world.sign_in(world.ada)
    assert [world.ask(cookie, app).status_code for app in (0, 1)] == [200, 200]
    (leaked,) = (key["kid"] for key in world.plane.cli("key", "list") if key["state"] == "active")
    left = world.plane.cli("key", "revoke", leaked)
    world.refused(cookie, within=BOUND)
    published = httpx.get(f"{world.plane.issuer}/oauth/jwks").json()["keys"]
    assert {key["kid"] for key in published} == {key["kid"] for key in left}
    assert leaked not in {key["kid"] for key in published}
    again = world.sign_in(world.ada)
    time.sleep(BOUND + 0.5)
    answers = [world.ask(again, app).status_code for app in (0, 1)]
    assert answers == [200, 200], "the next key is believed, and so is the feed that it signs"


def test_the_plan_for_the_signing_keys_tells_the_next_rotation(world: World) -> None:
    plan = world.plane.cli("key", "plan", "--for", "100d")
    assert plan["complete"]
    states = {key["kid"]: key["state"] for key in world.plane.cli("key", "list")}
    rotation = [move for move in plan["moves"] if move["why"] == "scheduled"]
    assert [(move["from"], move["to"]) for move in rotation] == [
        ("active", "retiring"),
        ("next", "active"),
        (None, "next"),
    ]
    assert [states.get(move["kid"]) for move in rotation] == ["active", "next", None]
