"""`protected_route` on the faster uvicorn[standard], where the same cost is a larger share."""

from __future__ import annotations

from kit.bench import Bench
from kit.figures import Figure
from kit.routes import STANDARD, measured


def measure(bench: Bench) -> Figure:
    """Both under uvicorn, in turn under the same load."""
    routes = measured(bench, STANDARD)
    return Figure.of_gains(
        "protected_route_standard",
        routes.gated,
        routes.idle,
        reference_name="route with an idle dependency",
        unit="requests/s",
        notes=routes.notes,
    )
