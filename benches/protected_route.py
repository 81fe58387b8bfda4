"""Requests per second of a gated FastAPI route, against the same route with an idle dependency."""

from __future__ import annotations

from kit.bench import Bench
from kit.figures import Figure
from kit.routes import PLAIN, measured


def measure(bench: Bench) -> Figure:
    """Both under uvicorn, in turn under the same load."""
    routes = measured(bench, PLAIN)
    return Figure.of_gains(
        "protected_route",
        routes.gated,
        routes.idle,
        reference_name="route with an idle dependency",
        unit="requests/s",
        notes=routes.notes,
    )
