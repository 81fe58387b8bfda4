"""The example is held to its lock file, and what goes wrong with its routes is seen."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from routes_kit import routes

_EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "expense_tracker"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The example, to be spoilt."""
    folder = tmp_path / "expense_tracker"
    shutil.copytree(_EXAMPLE, folder, ignore=shutil.ignore_patterns("__pycache__", "*.db"))
    return folder


def spoil(copy: Path, before: str, after: str) -> None:
    app = copy / "expense_tracker" / "app.py"
    text = app.read_text()
    assert before in text
    app.write_text(text.replace(before, after, 1))


def test_the_example_is_as_it_was_reviewed() -> None:
    checked = routes(_EXAMPLE, "check")
    assert (checked.status, checked.findings) == (0, [])
    told = {route["evidence"] for route in checked.document["routes"]}
    assert told == {"GATED-STATIC", "PUBLIC"}


def test_its_lock_file_is_what_the_program_writes(copy: Path) -> None:
    lock = copy / "sealgate.routes.toml"
    reviewed = lock.read_text()
    assert routes(copy, "lock", json=False).status == 0
    assert lock.read_text() == reviewed


def test_a_gate_that_asks_for_another_kind_of_actor_is_weaker(copy: Path) -> None:
    spoil(copy, "Depends(gate.user)", "Depends(gate.user | gate.agent)")
    assert routes(copy, "check").rules == {"weaker-gate"}


def test_a_route_that_loses_its_gate_is_a_lost_gate(copy: Path) -> None:
    spoil(copy, "gate.install(app)\n", "")
    spoil(copy, "def read_expenses(user: CurrentUser)", "def read_expenses()")
    checked = routes(copy, "check")
    assert checked.status == 1
    lost = [finding for finding in checked.findings if finding["rule"] == "lost-gate"]
    assert "GET /expenses" in {
        f"{finding['route']['methods']} {finding['route']['path']}" for finding in lost
    }


def test_a_dependency_that_goes_is_told_behind_the_layer(copy: Path) -> None:
    spoil(copy, "def read_expenses(user: CurrentUser)", "def read_expenses()")
    checked = routes(copy, "check")
    assert (checked.status, checked.rules) == (1, {"gate-changed"})


def test_a_route_that_nobody_reviewed_is_new(copy: Path) -> None:
    app = copy / "expense_tracker" / "app.py"
    app.write_text(app.read_text() + '\n\n@app.get("/reports")\ndef reports() -> None: ...\n')
    assert routes(copy, "check").rules == {"new-route"}
