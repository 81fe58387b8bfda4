"""The README's application is the one that runs here, and it is closed where nobody opened it."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest
from asgi_kit import request
from fastapi import FastAPI
from sealgate import Gate
from sessions import BASE_URL, Realm, browser, sign_in
from unreachable import SETTINGS

ROOT = Path(__file__).parents[2]
HELLO = ROOT / "docs" / "examples" / "hello.py"


def python_blocks(page: str) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```$", (ROOT / page).read_text("utf-8"), re.DOTALL | re.MULTILINE)


def run(monkeypatch: pytest.MonkeyPatch, settings: dict[str, str]) -> FastAPI:
    for name, value in settings.items():
        monkeypatch.setenv(f"SEALGATE_{name.upper()}", value)
    app = runpy.run_path(str(HELLO))["app"]
    assert isinstance(app, FastAPI)
    return app


@pytest.mark.parametrize("page", ["README.md", "docs/tutorial.md"])
def test_the_page_shows_the_application_that_runs(page: str) -> None:
    assert python_blocks(page) == [HELLO.read_text("utf-8")]


async def test_the_public_route_answers_and_the_others_refuse_strangers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = run(monkeypatch, SETTINGS)
    answer = await request(app, "GET", "/health")
    assert (answer.status, answer.body) == (200, b'{"ok":true}')
    for path in ("/me", "/reports"):
        answer = await request(app, "GET", path)
        assert (answer.status, answer.reason) == (401, "credential_missing")
        assert answer.received == 0


async def test_the_signed_in_user_is_known(monkeypatch: pytest.MonkeyPatch, realm: Realm) -> None:
    settings = {
        "issuer": realm.plane.issuer,
        "client_id": realm.client.id,
        "client_secret": realm.client.secret,
        "base_url": BASE_URL,
        "seal_keys": realm.seal_key,
    }
    app = run(monkeypatch, settings)
    async with browser(app) as client:
        await sign_in(client, realm)
        answer = await client.get(f"{BASE_URL}/me")
        assert (answer.status_code, answer.json()) == (200, {"email": realm.user.email})
        assert (await client.get(f"{BASE_URL}/reports")).json() == ["salaries"]


def test_settings_are_asked_for_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SETTINGS:
        monkeypatch.delenv(f"SEALGATE_{name.upper()}", raising=False)
    with pytest.raises(ValueError, match=r"^SEALGATE_ISSUER is not set"):
        Gate.from_env()
