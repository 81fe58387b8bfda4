"""The gate in front of oidc-provider, which has no revocation feed: sessions, tokens, keys."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from lab import Application, Browser, free_port, wait_until

from interop.foreign import API, Caller, House, ProofKey


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The provider."""
    with ExitStack() as stack:
        yield House(tmp_path_factory.mktemp("foreign"), stack)


@pytest.fixture(scope="module")
def app(house: House) -> Iterator[Application]:
    """The application in front of it."""
    with house.gated() as app:
        yield app


@pytest.fixture
def caller(app: Application) -> Iterator[Caller]:
    """A program that calls the application."""
    with Caller(app.url) as caller:
        yield caller


def signed_in(app: Application, browser: Browser) -> dict[str, str]:
    """Signs in with the browser; its session cookie."""
    page = browser.open(f"{app.url}/auth/login?return_to=/me")
    assert page.status == 200, page.text
    assert '"id":"ada"' in page.text, page.text
    return browser.session_cookie(app.url)


def test_a_user_signs_in_is_renewed_and_signs_out(house: House, app: Application, caller: Caller) -> None:
    with Browser() as browser:
        first = signed_in(app, browser)
        assert caller.cookies("/me", first).body == {
            "id": "ada",
            "email": "ada@example.com",
            "name": "Ada",
        }
        asked = house.control()["tokens_asked"]
        # The provider's access tokens last two seconds.
        time.sleep(2.1)
        assert browser.open(f"{app.url}/me").status == 200
        renewed = browser.session_cookie(app.url)
        assert renewed != first
        assert house.control()["tokens_asked"] == asked + 1
        # Signing out ends the session at the provider too: its page asks, then sends the browser back.
        origin = {"origin": app.url, "accept": "text/html", "sec-fetch-site": "same-origin"}
        answer = browser.http.post(f"{app.url}/auth/logout", headers=origin)
        page = browser.open(answer.headers["location"])
        page = browser.submit(page, page.form("logout"), {"logout": "yes"})
        assert (page.url, page.status) == (f"{app.url}/health", 200), page.text
        answered = caller.cookies("/me", renewed)
        assert (answered.status, answered.reason) == (401, "session_revoked")


def test_a_logout_at_the_provider_ends_the_session_here(
    house: House, app: Application, caller: Caller
) -> None:
    with Browser() as browser:
        cookie = signed_in(app, browser)
        page = browser.open(f"{house.issuer}/session/end")
        browser.submit(page, page.form("logout"), {"logout": "yes"})
        wait_until(lambda: caller.cookies("/me", cookie).reason == "session_revoked", "the logout")


def test_a_users_access_token_and_a_machines_are_told_apart(house: House, caller: Caller) -> None:
    user = caller.bearer("/me", house.user_tokens()["access_token"])
    assert (user.status, user.body["id"]) == (200, "ada")
    token = house.machine_token()
    machine = caller.bearer("/machine", token)
    assert (machine.status, machine.body) == (200, "caller")
    assert caller.bearer("/me", token).reason == "actor_wrong"


def test_a_bound_token_needs_its_proof(house: House, caller: Caller) -> None:
    key = ProofKey()
    token = house.machine_token(key=key)
    first = caller.bound("/machine", token, key)
    assert (first.status, first.reason) == (401, "dpop_nonce_required"), first.body
    nonce = first.headers["dpop-nonce"]
    assert caller.bound("/machine", token, key, nonce).status == 200
    assert caller.bearer("/machine", token).status == 401
    assert caller.bound("/machine", token, ProofKey(), nonce).status == 401


def test_what_is_no_access_token_of_this_provider_for_this_application_is_refused(
    house: House, caller: Caller
) -> None:
    access = {"typ": "at+jwt"}
    assert caller.bearer("/machine", house.mint(access)).status == 200
    later = int(time.time()) - 120
    for token, reason in [
        (house.machine_token(resource="https://other.example"), "token_audience_wrong"),
        (house.mint(access, aud="gated"), "token_audience_wrong"),
        (house.mint(access, iss="https://evil.example"), "token_issuer_wrong"),
        (house.mint(access, iss=f"{house.issuer}/"), "token_issuer_wrong"),
        (house.mint(access, exp=later), "token_expired"),
        (house.mint({"typ": "JWT"}), "token_invalid"),
        (house.mint({}), "token_invalid"),
        (house.mint({"typ": "logout+jwt"}), "token_invalid"),
        (house.user_tokens()["id_token"], "token_invalid"),
        (house.mint({"typ": "JWT"}, aud=[API, "caller"], nonce="n"), "token_invalid"),
    ]:
        answer = caller.bearer("/machine", token)
        assert (answer.status, answer.reason) == (401, reason)


def test_the_tokens_of_a_second_issuer_are_taken_where_it_is_trusted(
    house: House, caller: Caller, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with ExitStack() as stack:
        other = House(tmp_path_factory.mktemp("other"), stack)
        token = other.machine_token()
        # Its key has the same id as the first one's, and is another.
        answer = caller.bearer("/machine", token)
        assert (answer.status, answer.reason) == (401, "token_invalid")
        trusting = stack.enter_context(
            house.gated(port=free_port(), SEALGATE_TRUSTED_ISSUERS=f"openid={other.issuer}")
        )
        with Caller(trusting.url) as there:
            assert there.bearer("/machine", token).status == 200
            assert there.bearer("/machine", house.machine_token()).status == 200
            # Each with its own keys: one does not vouch for the other.
            assert there.bearer("/machine", other.mint({"typ": "at+jwt"}, iss=house.issuer)).status == 401


def test_a_gate_that_was_not_told_stays_closed_and_names_the_setting(house: House) -> None:
    with house.gated(port=free_port(), SEALGATE_PROVIDER="sealgate") as app, Caller(app.url) as caller:
        answer = caller.bearer("/machine", house.machine_token())
        assert (answer.status, answer.reason) == (503, "feed_stale")
        wait_until(lambda: "SEALGATE_PROVIDER" in app.tail(), "the word of it in the log")


def test_a_key_that_was_published_before_it_signs_is_not_asked_for(house: House) -> None:
    house.control(keys=["k1", "k2"])
    with house.gated(port=free_port()) as app, Caller(app.url) as caller:
        assert caller.bearer("/machine", house.machine_token()).status == 200
        asked = house.control(keys=["k2", "k1"])["keys_asked"]
        assert caller.bearer("/machine", house.machine_token()).status == 200
        assert house.control(keys=["k1"])["keys_asked"] == asked


def test_without_keys_nothing_is_known_and_with_them_at_hand_an_outage_is_not_noticed(
    house: House, app: Application, caller: Caller
) -> None:
    token = house.machine_token()
    house.control(keys_down=True)
    try:
        assert caller.bearer("/machine", token).status == 200
        with house.gated(port=free_port()) as cold, Caller(cold.url) as there:
            answer = there.bearer("/machine", token)
            assert (answer.status, answer.reason) == (503, "keys_unavailable")
            assert int(answer.headers["retry-after"]) >= 1
            house.control(keys_down=False)
            wait_until(lambda: there.bearer("/machine", token).status == 200, "the keys")
    finally:
        house.control(keys_down=False)


def test_a_key_that_signs_at_once_is_found_and_nobody_is_refused_for_it(house: House, caller: Caller) -> None:
    house.control(keys=["k3"])
    token = house.machine_token()
    answers = [caller.bearer("/machine", token)]
    # Keys are asked for once in ten seconds for what strangers send.
    while answers[-1].status != 200 and len(answers) < 60:
        assert (answers[-1].status, answers[-1].reason) == (503, "keys_unavailable")
        time.sleep(0.25)
        answers.append(caller.bearer("/machine", token))
    assert answers[-1].status == 200
    # The key that is gone vouches for nothing any more.
    house.control(keys=["k1"])
    old = house.machine_token()
    house.control(keys=["k3"])
    assert caller.bearer("/machine", old).status in (401, 503)
