"""The control plane that `sealgate.testing` starts for other people's integration tests."""

import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any

import httpx
import pytest
from fastapi import Depends, FastAPI
from fastapi.testclient import TestClient
from sealgate import Gate, User
from sealgate.testing import ControlPlane, ControlPlaneError, Person

pytestmark = pytest.mark.filterwarnings("ignore:Using `httpx` with `starlette.testclient`")

BASE_URL = "http://127.0.0.1:8000"
PATIENCE = 5.0
"""Seconds for a start on a busy machine; on an idle one it takes a tenth of a second."""


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with ControlPlane(tmp_path_factory.mktemp("plane")) as plane:
        yield plane


@pytest.fixture(scope="module")
def ada(plane: ControlPlane) -> Person:
    return plane.add_user("ada@example.com", "Ada", roles=["approver"], tenant="acme")


@pytest.fixture
def app(plane: ControlPlane, monkeypatch: pytest.MonkeyPatch) -> FastAPI:
    for name, value in plane.settings_for(BASE_URL, scopes=["expenses:read"]).items():
        monkeypatch.setenv(name, value)
    gate = Gate.from_env()
    app = FastAPI()
    gate.install(app)

    @app.get("/me")
    async def me(user: Annotated[User, Depends(gate.user(scopes=["expenses:read"]))]) -> list[Any]:
        return [user.email, sorted(user.roles), user.tenant]

    return app


def test_it_starts_at_once_and_leaves_nothing_behind() -> None:
    began = time.perf_counter()
    with ControlPlane() as plane:
        assert time.perf_counter() - began < PATIENCE
        folder = plane.folder
        assert plane.data_dir.exists()
        assert httpx.get(f"{plane.issuer}/.well-known/openid-configuration").status_code == 200
    assert not folder.exists()
    with pytest.raises(httpx.ConnectError):
        httpx.get(plane.issuer)


def test_settings_of_the_application_do_not_reach_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEALGATE_ISSUER", "https://elsewhere.example")
    monkeypatch.setenv("SEALGATE_LISTEN", "127.0.0.1:1")
    with ControlPlane() as plane:
        metadata = httpx.get(f"{plane.issuer}/.well-known/openid-configuration").json()
        assert metadata["issuer"] == plane.issuer
        plane.add_user("ada@example.com")


def test_a_person_signs_in_through_a_test_client(app: FastAPI, plane: ControlPlane, ada: Person) -> None:
    with TestClient(app, base_url=BASE_URL) as client:
        assert client.get("/me").status_code == 401
        plane.sign_in(client, ada)
        assert client.get("/me").json() == ["ada@example.com", ["approver"], "acme"]


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=BASE_URL) as client:
        yield client


async def test_a_person_signs_in_through_an_async_client(
    client: httpx.AsyncClient, plane: ControlPlane, ada: Person
) -> None:
    await plane.sign_in_async(client, ada)
    assert (await client.get("/me")).json()[0] == "ada@example.com"


async def test_a_wrong_password_says_so(client: httpx.AsyncClient, plane: ControlPlane, ada: Person) -> None:
    stranger = Person(ada.email, "", "not the password, by far")
    with pytest.raises(ControlPlaneError, match="ended on a page"):
        await plane.sign_in_async(client, stranger)
    assert (await client.get("/me")).status_code == 401


def test_an_application_without_a_gate_says_so(plane: ControlPlane, ada: Person) -> None:
    with TestClient(FastAPI()) as client, pytest.raises(ControlPlaneError, match="is the gate installed"):
        plane.sign_in(client, ada)


def test_a_machine_gets_a_token(plane: ControlPlane) -> None:
    plane.add_resource("https://api.example/", "API", scopes=["expenses:read"])
    options = ["--resource", "https://api.example/"]
    machine = plane.add_machine("Nightly report", ["expenses:read"], options)
    token = plane.token(machine, ["expenses:read"], "https://api.example/")
    assert token.count(".") == 2
    with pytest.raises(ControlPlaneError, match="invalid_scope"):
        plane.token(machine, ["expenses:write"], "https://api.example/")


def test_what_the_program_refuses_is_said(plane: ControlPlane, ada: Person) -> None:
    with pytest.raises(ControlPlaneError, match="user add"):
        plane.add_user(ada.email)


def test_a_missing_program_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("SEALGATE_PROGRAM", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(ControlPlaneError, match="pip install sealgate"):
        ControlPlane(tmp_path)


def test_the_plugin_gives_one_control_plane_for_a_run(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(
        "def test_one(sealgate_control_plane):\n"
        "    sealgate_control_plane.add_user('ada@example.com')\n"
        "def test_two(sealgate_control_plane):\n"
        "    assert sealgate_control_plane.cli('user', 'list')\n"
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "sealgate.pytest_plugin", str(tmp_path)]
    env = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(
        command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=120, check=False
    )
    assert "2 passed" in done.stdout, done.stdout
