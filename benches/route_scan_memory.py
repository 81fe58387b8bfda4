"""The memory that a scan of a million lines takes, against Ruff looking for names that are not defined."""

from __future__ import annotations

from kit.bench import Bench
from kit.figures import Figure
from kit.scans import readings

_LIMIT = 300


def measure(bench: Bench) -> Figure:
    """The most megabytes that were resident."""
    seen = bench.once("route scan", lambda: readings(bench))
    return Figure.of_costs(
        "route_scan_memory",
        seen.scan.memory,
        seen.ruff.memory,
        reference_name="ruff check --select F821",
        unit="MB",
        notes=(
            f"{seen.scan.memory.middle:.0f} MB, to hold {_LIMIT}",
            "Ruff keeps nothing of a file when it is done with it; a scan follows imports between them",
        ),
    )
