"""What a run says at its end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from chaos.faults import Episode
from chaos.ledger import CALM, Ledger, Row

_HEAD = ("fault", "times", "seconds", "requests", "allowed", "503", "last allowed", "recovered in")


def schedule(planned: Mapping[str, list[Episode]], met: Mapping[str, int]) -> Iterable[str]:
    """The faults of each application, as far as the run came."""
    for name, episodes in planned.items():
        yield f"  {name}:"
        for episode in episodes[: met.get(name, 0)]:
            yield f"    calm {episode.calm:.1f} s, then {episode.fault}"


def _cells(kind: str, row: Row) -> tuple[str, ...]:
    share = row.unavailable / row.requests if row.requests else 0.0
    calm = kind == CALM
    return (
        kind,
        "" if calm else str(row.episodes),
        "" if calm else f"{row.seconds:.1f}",
        str(row.requests),
        str(row.allowed),
        f"{share:.0%}",
        f"{row.worst_allowed * 1000:,.0f} ms",
        "" if calm else f"{row.worst_recovery:.2f} s",
    )


def table(ledger: Ledger) -> Iterable[str]:
    """What was seen under each kind of fault. "Last allowed" is how long after a revocation the latest
    request began that was allowed all the same: never more than the bound.
    """
    total = Row()
    for row in ledger.rows.values():
        total.episodes += row.episodes
        total.seconds += row.seconds
        total.requests += row.requests
        total.allowed += row.allowed
        total.unavailable += row.unavailable
        total.worst_allowed = max(total.worst_allowed, row.worst_allowed)
        total.worst_recovery = max(total.worst_recovery, row.worst_recovery)
    kinds = sorted(ledger.rows, key=lambda kind: (kind != CALM, kind))
    lines = [_HEAD, *(_cells(kind, ledger.rows[kind]) for kind in kinds), _cells("all", total)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(_HEAD))]
    for line in lines:
        pairs = list(zip(line, widths, strict=True))
        cells = [pairs[0][0].ljust(pairs[0][1]), *(cell.rjust(width) for cell, width in pairs[1:])]
        yield "  " + "  ".join(cells).rstrip()


def counted(what: str, counts: Counter[str]) -> str:
    """Counts in one line."""
    each = ", ".join(f"{count:,} {name}" for name, count in counts.most_common())
    return f"{what}: {counts.total():,} ({each})" if counts else f"{what}: none"
