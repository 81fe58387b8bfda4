"""Requests per second of a gated FastAPI route, against the same route with no dependency at all."""

from __future__ import annotations

from kit.bench import Bench
from kit.figures import Figure
from kit.routes import PLAIN, measured


def measure(bench: Bench) -> Figure:
    """Both under uvicorn, in turn under the same load; the rounds are those of `protected_route`."""
    routes = measured(bench, PLAIN)
    return Figure.of_gains(
        "protected_route_bare",
        routes.gated,
        routes.bare,
        reference_name="route without dependency",
        unit="requests/s",
        notes=routes.notes,
    )
