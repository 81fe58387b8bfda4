"""How fast a project's source is scanned for routes, against Ruff looking for names that are not defined."""

from __future__ import annotations

from kit.bench import Bench
from kit.figures import Figure
from kit.scans import readings

_FLOOR = 500_000


def measure(bench: Bench) -> Figure:
    """Lines per second of a project with a million, from the start of the process to its end."""
    seen = bench.once("route scan", lambda: readings(bench))
    return Figure.of_gains(
        "route_scan",
        seen.scan.rates,
        seen.ruff.rates,
        reference_name="ruff check --select F821",
        unit="lines/s",
        notes=(
            f"{seen.scan.rates.middle:,.0f} lines/s, to hold {_FLOOR:,}",
            f"{seen.tree.lines:,} lines with {seen.tree.routes:,} routes; both use all processors",
        ),
    )
