"""The example: every user keeps their own expenses, and bad input is told apart without being repeated."""

from __future__ import annotations

import importlib
import sys
from collections.abc import AsyncGenerator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from lab import settings
from sessions import BASE_URL, Realm, browser, sign_in

_EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "expense_tracker"


@pytest.fixture
def tracker(realm: Realm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The example's application, with an empty ledger."""
    for name, value in settings(realm.plane.issuer, realm.client, BASE_URL, realm.seal_key).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("SEALGATE_ROUTES", str(_EXAMPLE / "sealgate.routes.toml"))
    monkeypatch.setenv("EXPENSES_DATABASE", str(tmp_path / "expenses.db"))
    monkeypatch.setattr(sys, "path", [str(_EXAMPLE), *sys.path])
    module = importlib.import_module("expense_tracker.app")
    yield module.app
    module.gate._core.stop()
    for name in [name for name in sys.modules if name.partition(".")[0] == "expense_tracker"]:
        del sys.modules[name]


@pytest.fixture
async def ada(tracker: Any, realm: Realm) -> AsyncGenerator[httpx.AsyncClient]:
    """Ada's browser, signed in."""
    async with browser(tracker) as client:
        client.headers["origin"] = BASE_URL
        await sign_in(client, realm)
        yield client


async def test_anybody_sees_the_health_and_the_front_page_and_nothing_else(tracker: Any) -> None:
    async with browser(tracker) as client:
        assert (await client.get(f"{BASE_URL}/health")).json() == {"ok": True}
        front = await client.get(f"{BASE_URL}/")
        assert "/auth/login?return_to=/app" in front.text
        for method, path in [("GET", "/expenses"), ("POST", "/expenses"), ("POST", "/app/expenses")]:
            assert (await client.request(method, BASE_URL + path)).status_code == 401
        page = await client.get(f"{BASE_URL}/app", headers={"accept": "text/html"})
        assert page.status_code == 303
        assert page.headers["location"].startswith("/auth/login?")


async def test_users_see_their_own_expenses_only(tracker: Any, realm: Realm, ada: httpx.AsyncClient) -> None:
    added = await ada.post(f"{BASE_URL}/expenses", json={"amount": "12.50", "note": "Ada's lunch"})
    assert (added.status_code, added.json()["amount"]) == (201, "12.5")
    eve = realm.plane.add_user("eve-of-the-example@example.com", "Eve")
    async with browser(tracker) as client:
        await sign_in(client, replace(realm, user=eve))
        assert (await client.get(f"{BASE_URL}/expenses")).json() == []
        assert "Ada" not in (await client.get(f"{BASE_URL}/app")).text
    (kept,) = (await ada.get(f"{BASE_URL}/expenses")).json()
    assert kept["note"] == "Ada's lunch"


async def test_the_page_adds_an_expense_and_shows_it_as_text(ada: httpx.AsyncClient) -> None:
    assert "Nothing yet." in (await ada.get(f"{BASE_URL}/app")).text
    form = {"amount": "7.20", "note": "<b>tram</b>"}
    answer = await ada.post(f"{BASE_URL}/app/expenses", data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, "/app")
    page = (await ada.get(f"{BASE_URL}/app")).text
    assert "&lt;b&gt;tram&lt;/b&gt;" in page
    assert "7.20" in page


async def test_signing_out_closes_the_page(ada: httpx.AsyncClient) -> None:
    await ada.post(f"{BASE_URL}/auth/logout")
    assert (await ada.get(f"{BASE_URL}/expenses")).status_code == 401


@pytest.mark.parametrize(
    "body",
    [
        rb'{"amount": "1", "note": "\ud800"}',
        b'{"amount": NaN, "note": "secret-word"}',
        b'{"amount": 1e999, "note": "secret-word"}',
        b'{"amount": "-1", "note": "secret-word"}',
        b'{"amount": "1.001", "note": "secret-word"}',
        b'{"amount": "secret-word", "note": ["secret-word"]}',
        b'{"secret-word": "1"}',
        b'["secret-word"]',
        b'"secret-word',
        b'"\xff secret-word"',
        b"",
    ],
)
async def test_what_is_wrong_with_an_expense_is_said_without_repeating_it(
    ada: httpx.AsyncClient, body: bytes
) -> None:
    answer = await ada.post(
        f"{BASE_URL}/expenses", content=body, headers={"content-type": "application/json"}
    )
    assert answer.status_code in (400, 422), answer.text
    assert "secret-word" not in answer.text
    if answer.status_code == 422:
        assert all(set(found) == {"loc", "msg", "type"} for found in answer.json()["detail"])
    assert (await ada.get(f"{BASE_URL}/expenses")).json() == []


@pytest.mark.parametrize("body", [b"amount=1&note=%ED%A0%80", b"amount=NaN&note=x", b"amount=1", b"%ff=%ff"])
async def test_a_form_that_cannot_be_read_is_no_failure_of_the_page(
    ada: httpx.AsyncClient, body: bytes
) -> None:
    form = {"content-type": "application/x-www-form-urlencoded"}
    answer = await ada.post(f"{BASE_URL}/app/expenses", content=body, headers=form)
    assert answer.status_code in (303, 400, 422), answer.text
    assert (await ada.get(f"{BASE_URL}/app")).status_code == 200
