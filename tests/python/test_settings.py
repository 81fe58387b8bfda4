"""Settings from the environment, a file and arguments, and what is said when one is wrong."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from fastapi import Depends, FastAPI
from sealgate import Gate, SettingsError
from starlette.middleware.cors import CORSMiddleware
from test_install import lifespan
from unreachable import SETTINGS

REQUIRED = {f"SEALGATE_{name.upper()}": value for name, value in SETTINGS.items()}
NEXT = len(REQUIRED) + 1
"""The line after those."""


@pytest.fixture(autouse=True)
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working directory of its own, and no setting in the environment."""
    monkeypatch.chdir(tmp_path)
    for name in REQUIRED:
        monkeypatch.delenv(name, raising=False)


def written(settings: dict[str, str], file: str = ".env") -> str:
    Path(file).write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    return file


def said(file: str | None = None) -> str:
    with pytest.raises(SettingsError) as error:
        Gate.from_env(file)
    return str(error.value)


def test_what_is_not_in_the_environment_is_taken_from_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    file = written({**REQUIRED, "SEALGATE_UNMARKED": "nobody", "DATABASE_URL": "theirs"})
    assert said(file) == f"SEALGATE_UNMARKED is neither `user` nor `deny` (set in .env, line {NEXT})"
    monkeypatch.setenv("SEALGATE_UNMARKED", "deny")
    Gate.from_env(Path(file))


def test_a_file_that_is_not_there_is_told_where_something_is_missing() -> None:
    assert said(".env").endswith("(looked in the environment and .env, which is not there)")
    assert said().endswith("(looked in the environment)")


def test_a_misspelt_setting_is_refused_with_its_line() -> None:
    text = said(written({**REQUIRED, "SEALGATE_ISUER": "https://id.example"}))
    assert text.endswith(f"did you mean SEALGATE_ISSUER? (set in .env, line {NEXT})")


def test_secrets_can_stand_in_files_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    secret = REQUIRED["SEALGATE_CLIENT_SECRET"]
    Path("client").write_text(f"{secret}\n")
    others = {name: value for name, value in REQUIRED.items() if name != "SEALGATE_CLIENT_SECRET"}
    Gate.from_env(written({**others, "SEALGATE_CLIENT_SECRET_FILE": "client"}))
    both = said(written({**REQUIRED, "SEALGATE_CLIENT_SECRET_FILE": "client"}))
    assert both.startswith("SEALGATE_CLIENT_SECRET_FILE and SEALGATE_CLIENT_SECRET are both set: keep one")
    assert secret not in both
    gone = said(written({**others, "SEALGATE_CLIENT_SECRET_FILE": "gone"}))
    assert gone.startswith("SEALGATE_CLIENT_SECRET_FILE names gone, which cannot be read")
    monkeypatch.setenv("SEALGATE_CLIENT_SECRET", secret)
    Gate.from_env(written({**others, "SEALGATE_CLIENT_SECRET_FILE": "gone-too"}, "other.env"))


def test_a_wrong_argument_is_told_with_the_line_that_gives_it() -> None:
    wrong: dict[str, Any] = {**SETTINGS, "base_url": "app.example"}
    with pytest.raises(SettingsError, match=r"^SEALGATE_BASE_URL is not a URL") as error:
        Gate(**wrong)
    assert re.search(r"\(set by base_url=… in Gate\(\.\.\.\) at .*test_settings\.py:\d+\)$", str(error.value))


def test_an_authority_that_cannot_be_read_is_told_with_where_it_was_named() -> None:
    text = said(written({**REQUIRED, "SEALGATE_AUTHORITY_FILE": "none.pem"}))
    assert text.startswith("SEALGATE_AUTHORITY_FILE cannot be read")
    assert text.endswith(f"(set in .env, line {NEXT})")


async def refused(app: FastAPI) -> str:
    with pytest.raises(SettingsError) as error:
        await lifespan(app)
    return str(error.value)


async def test_marks_that_contradict_are_told_with_the_file_and_line_of_the_route() -> None:
    gate, app = Gate(**SETTINGS), FastAPI()

    @app.get("/torn", dependencies=[gate.public("open"), Depends(gate.user)])
    async def torn() -> str:
        return "leaked"

    gate.install(app)
    place = rf"GET /torn \(.*test_settings\.py:{torn.__code__.co_firstlineno}\) is marked public"
    assert re.search(place, await refused(app))


async def test_cors_for_everybody_is_told_with_a_route_that_anybody_could_read() -> None:
    gate, app = Gate(**SETTINGS), FastAPI()
    gate.install(app)
    app.add_middleware(CORSMiddleware, allow_origins=["*"], allow_credentials=True)

    @app.get("/mine")
    async def mine() -> str:
        return "private"

    text = await refused(app)
    assert re.search(rf"for one at GET /mine \(.*test_settings\.py:{mine.__code__.co_firstlineno}\)", text)
