"""The route tables that real applications have when they run, as they were read from them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from corpus.wheels import Wheel


@dataclass(frozen=True)
class TrueRoute:
    """A route that the running application has."""

    path: str
    methods: tuple[str, ...]
    kind: str
    """As a scan names it: `http`, `websocket`, `mount` or `docs`."""
    endpoint: str | None
    gated: bool | None
    """Whether a gate stands in its dependency tree; None where that was not looked at."""


@dataclass(frozen=True)
class Truth:
    """The route table of one application."""

    name: str
    target: str
    """What was imported, as `module:name`."""
    wheel: Wheel
    knows_gates: bool
    routes: tuple[TrueRoute, ...]


WHEELS = {
    "airflow": Wheel("apache-airflow-core", "3.1.3"),
    "chromadb": Wheel("chromadb", "1.4.0"),
    "litellm": Wheel("litellm", "1.83.0"),
    "mlflow": Wheel("mlflow", "3.9.0"),
    "open-webui": Wheel("open-webui", "0.6.43"),
}


def read(folder: Path) -> list[Truth]:
    """All tables in a folder of them."""
    return [_table(folder / f"{name}.jsonl", wheel) for name, wheel in WHEELS.items()]


def _table(path: Path, wheel: Wheel) -> Truth:
    head, *rows = (json.loads(line) for line in path.read_text().splitlines() if line)
    return Truth(
        name=head["app"],
        target=head["target"],
        wheel=wheel,
        knows_gates=head["gates"] is not None,
        routes=tuple(
            TrueRoute(
                path=row["path"],
                methods=tuple(row.get("methods", ())),
                kind=_kind(row["kind"], row.get("endpoint")),
                endpoint=row.get("endpoint"),
                gated=row.get("gated"),
            )
            for row in rows
        ),
    )


def _kind(kind: str, endpoint: str | None) -> str:
    if kind == "mount":
        return "mount"
    if "WebSocket" in kind:
        return "websocket"
    # The pages that a framework makes by itself are the only ones whose handler is its own.
    own = ("fastapi.applications:", "cadwyn.applications:")
    return "docs" if endpoint is not None and endpoint.startswith(own) else "http"
