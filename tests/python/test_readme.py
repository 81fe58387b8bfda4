"""The applications that the pages show are the ones that run here, closed where nobody opened them."""

from __future__ import annotations

import re
import runpy
import sys
from pathlib import Path
from types import ModuleType

import pytest
from asgi_kit import request
from fastapi import FastAPI
from sealgate import Gate
from sessions import BASE_URL, Realm, browser, sign_in
from unreachable import SETTINGS

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "docs" / "examples"
PAGES = {"README.md": "hello.py", "docs/tutorial.md": "tutorial.py"}
TESTS = {"docs/tutorial.md": ["test_hello.py"]}


def python_blocks(page: str) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```$", (ROOT / page).read_text("utf-8"), re.DOTALL | re.MULTILINE)


def run(monkeypatch: pytest.MonkeyPatch, example: str, settings: dict[str, str]) -> FastAPI:
    for name, value in settings.items():
        monkeypatch.setenv(f"SEALGATE_{name.upper()}", value)
    app = runpy.run_path(str(EXAMPLES / example))["app"]
    assert isinstance(app, FastAPI)
    return app


@pytest.mark.parametrize(("page", "example"), PAGES.items())
def test_the_page_shows_the_application_that_runs(page: str, example: str) -> None:
    shown = [example, *TESTS.get(page, [])]
    assert python_blocks(page) == [(EXAMPLES / name).read_text("utf-8") for name in shown]


def test_the_tests_of_the_tutorial_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    hello = ModuleType("hello")
    vars(hello)["app"] = run(monkeypatch, "tutorial.py", SETTINGS)
    monkeypatch.setitem(sys.modules, "hello", hello)
    tests = runpy.run_path(str(EXAMPLES / "test_hello.py"))
    found = [test for name, test in tests.items() if name.startswith("test_")]
    for test in found:
        test()
    assert len(found) == 2


def test_the_readme_needs_ten_lines() -> None:
    lines = (EXAMPLES / "hello.py").read_text("utf-8").splitlines()
    assert len([line for line in lines if line.strip()]) == 10


@pytest.mark.parametrize("example", PAGES.values())
async def test_the_public_route_answers_and_the_others_refuse_strangers(
    example: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = run(monkeypatch, example, SETTINGS)

    @app.get("/forgotten")
    def forgotten() -> str:
        raise AssertionError("a stranger got in")

    assert (await request(app, "GET", "/health")).status == 200
    for path in ("/me", "/forgotten"):
        answer = await request(app, "GET", path)
        assert (answer.status, answer.reason) == (401, "credential_missing")
        assert answer.received == 0


@pytest.mark.parametrize("example", PAGES.values())
async def test_the_signed_in_user_is_known(
    example: str, monkeypatch: pytest.MonkeyPatch, realm: Realm
) -> None:
    settings = {
        "issuer": realm.plane.issuer,
        "client_id": realm.client.id,
        "client_secret": realm.client.secret,
        "base_url": BASE_URL,
        "seal_keys": realm.seal_key,
    }
    app = run(monkeypatch, example, settings)
    async with browser(app) as client:
        await sign_in(client, realm)
        answer = await client.get(f"{BASE_URL}/me")
        assert answer.status_code == 200
        assert answer.json() in (realm.user.email, {"email": realm.user.email})


def test_settings_are_asked_for_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SETTINGS:
        monkeypatch.delenv(f"SEALGATE_{name.upper()}", raising=False)
    with pytest.raises(ValueError, match=r"^SEALGATE_ISSUER is not set"):
        Gate.from_env()
