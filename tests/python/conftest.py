"""What the tests share: gates with the real core, alone or in front of a real control plane."""

import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from lab import ControlPlane
from sealgate import Gate
from sessions import Realm
from unreachable import SETTINGS

_PROGRAMS = Path(__file__).resolve().parents[2] / "target" / "debug"


@pytest.fixture
def gate() -> Iterator[Gate]:
    """A gate whose control plane is away."""
    gate = Gate(**SETTINGS)
    yield gate
    gate._core.stop()  # pyright: ignore[reportPrivateUsage]


@pytest.fixture
def app(gate: Gate) -> FastAPI:
    """An application behind the gate, without any route of its own."""
    app = FastAPI()
    gate.install(app)
    return app


@pytest.fixture(scope="session")
def realm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Realm]:
    """A control plane for the whole run, with a person and an application on it."""
    os.environ["PATH"] = f"{_PROGRAMS}{os.pathsep}{os.environ['PATH']}"
    with ControlPlane(tmp_path_factory.mktemp("control-plane")) as plane:
        user = plane.add_user("ada@example.com", "Ada", roles=["admin"])
        client = plane.add_client("tests", "http://127.0.0.1:8000", scopes=["expenses:read"])
        seal_key = secrets.token_urlsafe(32)
        yield Realm(plane, user, client, seal_key)
