"""`python -m sealgate._inspect`: what it answers, and that nothing gets in between."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PLAIN = """
from fastapi import FastAPI

print("noise while it is imported")
app = FastAPI(openapi_url=None)


@app.get("/x")
async def x() -> str:
    return "x"


def make() -> FastAPI:
    return app


def broken() -> FastAPI:
    raise ValueError("no settings")


async def awaited() -> FastAPI:
    return app


class Nested:
    inner = app


number = 3
"""

STARTED = """
import contextlib
import os
import sys

from fastapi import FastAPI


@contextlib.asynccontextmanager
async def lifespan(app):
    if "FAIL" in os.environ:
        raise RuntimeError("the database is away")
    app.get("/late")(lambda: "late")
    print("started")
    yield
    print("stopped", file=sys.stderr)


app = FastAPI(openapi_url=None, lifespan=lifespan)
app.get("/early")(lambda: "early")


async def bare(scope, receive, send):
    assert scope["type"] == "http"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "plain.py").write_text(PLAIN)
    (tmp_path / "started.py").write_text(STARTED)
    (tmp_path / "torn.py").write_text("import not_there_at_all\n")
    (tmp_path / "quits.py").write_text("import sys\nsys.exit('give me settings')\n")
    (tmp_path / "loud.py").write_text(
        PLAIN + "import os, threading, time\n"
        "os.write(1, b'loud\\n')\n"
        "threading.Thread(target=lambda: time.sleep(600)).start()\n"
    )
    return tmp_path


def answered(folder: Path, *arguments: str, **environment: str) -> tuple[dict[str, Any], str]:
    """The answer, and what went to stderr."""
    command = [sys.executable, "-m", "sealgate._inspect", *arguments]
    python = os.pathsep.join(path for path in sys.path if path)
    env = {**os.environ, "PYTHONPATH": python, "PYTHONDONTWRITEBYTECODE": "1", **environment}
    done = subprocess.run(
        command, cwd=folder, env=env, capture_output=True, text=True, timeout=60, check=True
    )
    (line,) = done.stdout.splitlines()
    return json.loads(line), done.stderr


def paths(document: dict[str, Any]) -> list[str]:
    return [route["path"] for route in document["routes"]]


def test_the_answer_is_the_inventory_with_places_as_seen_from_here(folder: Path) -> None:
    document, stderr = answered(folder, "plain:app")
    assert (document["schema"], document["lens"], document["target"]) == (
        "sealgate-routes/1",
        "inspect",
        "plain:app",
    )
    assert document["apps"][0]["place"] == {"file": "plain.py", "line": 5}
    (route,) = document["routes"]
    assert (route["app"], route["endpoint"]) == ("plain:app", "plain:x")
    assert (route["file"], route["line"]) == ("plain.py", 8)
    assert "noise while it is imported" in stderr


@pytest.mark.parametrize("arguments", [("plain:make", "--factory"), ("plain:make()",)])
def test_a_function_can_make_the_application(folder: Path, arguments: tuple[str, ...]) -> None:
    document, _ = answered(folder, *arguments)
    assert document["target"] == "plain:make()"
    assert document["apps"][0]["place"] == {"file": "plain.py", "line": 13}
    assert paths(document) == ["/x"]


def test_an_application_can_be_an_attribute_of_something(folder: Path) -> None:
    assert paths(answered(folder, "plain:Nested.inner")[0]) == ["/x"]


@pytest.mark.parametrize(
    ("target", "code", "problem"),
    [
        ("plain", "target", "plain names no application: write module:app"),
        ("nowhere:app", "target", "there is no module nowhere"),
        ("plain:other", "target", "plain has no other"),
        ("plain:make", "target", "plain:make is a function that makes the application: say --factory"),
        ("plain:number()", "target", "plain:number is no function that makes an application"),
        ("plain:awaited()", "target", "plain:awaited has to be awaited, which servers do not do"),
        ("plain:broken()", "import", "plain:broken makes no application: ValueError: no settings"),
        (
            "torn:app",
            "import",
            "torn cannot be imported: ModuleNotFoundError: No module named 'not_there_at_all'",
        ),
        ("quits:app", "import", "quits cannot be imported: SystemExit: give me settings"),
    ],
)
def test_what_stood_in_the_way_is_one_object(folder: Path, target: str, code: str, problem: str) -> None:
    answer, stderr = answered(folder, target)
    assert answer == {"fatal": code, "problem": problem}
    assert ("Traceback" in stderr) == (code == "import")


def test_what_the_application_writes_or_starts_does_not_get_in_between(folder: Path) -> None:
    document, stderr = answered(folder, "loud:app")
    assert paths(document) == ["/x"]
    assert "loud\n" in stderr


def test_something_else_than_an_application_is_unresolved(folder: Path) -> None:
    document, _ = answered(folder, "plain:number")
    (route,) = document["routes"]
    assert (route["kind"], route["evidence"]) == ("mount", "UNRESOLVED")


def test_an_application_is_started_only_when_that_is_asked_for(folder: Path) -> None:
    document, stderr = answered(folder, "started:app")
    assert paths(document) == ["/early"]
    assert "started" not in stderr
    document, stderr = answered(folder, "started:app", "--lifespan")
    assert paths(document) == ["/early", "/late"]
    assert [note["text"] for note in document["notes"]] == [
        "the start of the application added ways in, 1 of them: GET /late"
    ]
    assert "started" in stderr
    assert "stopped" in stderr


def test_a_start_that_fails_is_told(folder: Path) -> None:
    answer, _ = answered(folder, "started:app", "--lifespan", FAIL="1")
    assert answer["fatal"] == "lifespan"
    assert answer["problem"] == "started:app did not start: RuntimeError: the database is away"


def test_an_application_without_a_lifespan_is_read_as_it_is(folder: Path) -> None:
    document, _ = answered(folder, "started:bare", "--lifespan")
    assert document["routes"][0]["evidence"] == "UNRESOLVED"
    assert [note["text"] for note in document["notes"]] == [
        "the application has no lifespan, so it was read without being started"
    ]
