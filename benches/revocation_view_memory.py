"""What a view of a million revoked sessions adds to a process, against a set of the standard library."""

from __future__ import annotations

from kit.bench import Bench
from kit.figures import Figure
from kit.revoked import lookups

_LIMIT = 40.0


def measure(bench: Bench) -> Figure:
    """Megabytes resident, more than the same program that knows nothing."""
    seen = bench.once("revocation view", lookups)
    return Figure.of_costs(
        "revocation_view_memory",
        seen.view.memory,
        seen.set.memory,
        reference_name="Rust's HashSet<u128>",
        unit="MB",
        notes=(
            f"{seen.view.memory.middle:.1f} MB, to hold {_LIMIT:.0f} MB",
            "all processes of a machine share one view",
        ),
    )
