"""What has to be held, and the table that people read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from corpus.compare import Comparison
from corpus.inventory import Scan
from corpus.truth import TrueRoute

LINES_PER_SECOND = 500_000
MEBIBYTES_PER_MILLION_LINES = 300


@dataclass(frozen=True)
class Compared:
    """One application: what was told of it, and what is true."""

    name: str
    comparison: Comparison
    scan: Scan

    @property
    def speed(self) -> float:
        """Lines per second, from the start of the process to its end."""
        return self.scan.lines / self.scan.seconds


@dataclass(frozen=True)
class _Column:
    """A figure of each application."""

    title: str
    value: Callable[[Compared], float | None]
    shown: Callable[[float], str]
    target: str = ""
    holds: Callable[[float], bool] = lambda _: True


def _percent(share: float) -> str:
    return f"{share * 100:.1f} %"


def _number(value: float) -> str:
    return f"{value:,.0f}"


_COLUMNS = (
    _Column("routes", lambda one: one.comparison.true_routes, _number),
    _Column("found", lambda one: one.comparison.found, _percent, ">= 98 %", lambda share: share >= 0.98),
    _Column("right handler", lambda one: one.comparison.endpoints, _percent),
    _Column(
        "ungated shown",
        lambda one: one.comparison.ungated_flagged,
        _percent,
        "100 %",
        lambda share: share >= 1,
    ),
    _Column(
        "gated OPEN",
        lambda one: one.comparison.gated_open,
        _percent,
        "<= 1 %",
        lambda share: share <= 0.01,
    ),
    _Column(
        "gated UNRESOLVED",
        lambda one: one.comparison.gated_unresolved,
        _percent,
        "<= 5 %",
        lambda share: share <= 0.05,
    ),
    _Column("lines", lambda one: one.scan.lines, _number),
    _Column("s", lambda one: one.scan.seconds, lambda seconds: f"{seconds:.2f}"),
    _Column("lines/s", lambda one: one.speed, _number, f">= {LINES_PER_SECOND:,}"),
    _Column("MiB", lambda one: one.scan.mebibytes, _number),
)


def table(compared: Sequence[Compared]) -> str:
    """The figures, one application in a row, and what they are to be in the last."""
    head = ["application", *(column.title for column in _COLUMNS)]
    rows = [[one.name, *(_cell(column, one) for column in _COLUMNS)] for one in compared]
    rows.append(_together(compared))
    last = ["to hold", *(column.target for column in _COLUMNS)]
    widths = [max(len(row[column]) for row in [head, *rows, last]) for column in range(len(head))]
    lines = [[head[0].ljust(widths[0]), *_right(head, widths)], ["-" * width for width in widths]]
    lines += [[row[0].ljust(widths[0]), *_right(row, widths)] for row in [*rows, last]]
    return "\n".join("  ".join(line).rstrip() for line in lines)


def _together(compared: Sequence[Compared]) -> list[str]:
    routes = sum(one.comparison.true_routes for one in compared)
    lines, seconds = _lines_and_seconds(compared)
    shown = {
        "routes": _number(routes),
        "lines": _number(lines),
        "s": f"{seconds:.2f}",
        "lines/s": _number(lines / seconds),
        "MiB": _number(max(one.scan.mebibytes for one in compared)),
    }
    return ["all", *(shown.get(column.title, "") for column in _COLUMNS)]


def _lines_and_seconds(compared: Sequence[Compared]) -> tuple[int, float]:
    return sum(one.scan.lines for one in compared), sum(one.scan.seconds for one in compared)


def _right(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    return [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]


def _cell(column: _Column, one: Compared) -> str:
    value = column.value(one)
    if value is None:
        return "-"
    return column.shown(value) + ("" if column.holds(value) else " !")


def misses(compared: Sequence[Compared]) -> Iterator[str]:
    """The figures that are not held."""
    for one in compared:
        for column in _COLUMNS:
            value = column.value(one)
            if value is not None and not column.holds(value):
                yield f"{one.name}: {column.title} is {column.shown(value)}, to hold is {column.target}"
        most = MEBIBYTES_PER_MILLION_LINES * max(1, one.scan.lines / 1e6)
        if one.scan.mebibytes > most:
            yield f"{one.name}: {one.scan.mebibytes:.0f} MiB, to hold is {most:.0f}"
    lines, seconds = _lines_and_seconds(compared)
    if lines < LINES_PER_SECOND * seconds:
        yield f"all: lines/s is {lines / seconds:,.0f}, to hold is >= {LINES_PER_SECOND:,}"


def details(one: Compared) -> Iterator[str]:
    """Which routes the figures are about."""
    told = one.comparison
    yield f"{one.name}: {told.app or 'no application'}"
    for title, routes in (
        ("not found", told.missing),
        ("ungated and not shown as such", told.unflagged),
        ("gated and called OPEN", told.wrongly_open),
    ):
        yield from (f"  {title}: {_route(route)}" for route in routes)
    yield from (f"  gated and UNRESOLVED: {_route(route)}: {reason}" for route, reason in told.unresolved)
    yield from (f"  only the scan has: {','.join(route.methods)} {route.path}" for route in told.extra)


def _route(route: TrueRoute) -> str:
    return f"{','.join(route.methods) or route.kind} {route.path} ({route.endpoint or 'no handler'})"
