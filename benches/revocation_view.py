"""A session that is not among a million revoked ones, against a set that is told the same."""

from __future__ import annotations

from kit.bench import Bench
from kit.figures import Figure
from kit.revoked import lookups

_LIMIT = 50.0


def measure(bench: Bench) -> Figure:
    """Nanoseconds per miss; ours is the whole decision, freshness included."""
    seen = bench.once("revocation view", lookups)
    return Figure.of_costs(
        "revocation_view",
        seen.view.misses,
        seen.set.misses,
        reference_name="Rust's HashSet<u128>, a bare lookup",
        unit="ns",
        notes=(
            f"{seen.view.misses.middle:.0f} ns a miss, to hold {_LIMIT:.0f} ns",
            f"a hit {seen.view.hits.middle:.0f} ns, in the set {seen.set.hits.middle:.0f} ns",
        ),
    )
