"""What a benchmark measured, the table that people read, and the file that programs read."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

_NUMERIC = (1, 2, 4)
"""The columns of the table that hold numbers."""


@dataclass(frozen=True)
class Samples:
    """The same thing measured in several rounds."""

    values: tuple[float, ...]

    @property
    def middle(self) -> float:
        """The median, which one disturbed round does not move."""
        return median(self.values)

    @property
    def uncertainty(self) -> float:
        """Half the width of the median's 95 % confidence interval, as a share of the median. It comes from
        the order of the values alone, so that it holds for noise of any shape.
        """
        ordered, count = sorted(self.values), len(self.values)
        reach = 0.98 * math.sqrt(count)  # Half of 1.96 standard deviations of a fair coin's heads.
        low = max(0, math.floor(count / 2 - reach) - 1)
        high = min(count - 1, math.ceil(count / 2 + reach))
        return (ordered[high] - ordered[low]) / 2 / self.middle

    def spread(self, digits: int) -> str:
        """How far the rounds lay apart: what the machine's noise did."""
        return f"{min(self.values):,.{digits}f}..{max(self.values):,.{digits}f}"


@dataclass(frozen=True)
class Figure:
    """One line of the table. `ratio` is higher when we are better, whatever the unit.

    It is the median of the rounds' own ratios: what slows a whole round, slows both sides of it.
    """

    name: str
    ours: float
    reference: float
    reference_name: str
    ratio: float
    unit: str
    notes: tuple[str, ...] = ()

    @classmethod
    def of_costs(
        cls,
        name: str,
        ours: Samples,
        reference: Samples,
        *,
        reference_name: str,
        unit: str,
        notes: Sequence[str] = (),
    ) -> Figure:
        """A figure of which less is better, such as time: the ratio is theirs / ours."""
        return cls._of(name, ours, reference, reference_name, in_pairs(reference, ours), unit, notes)

    @classmethod
    def of_gains(
        cls,
        name: str,
        ours: Samples,
        reference: Samples,
        *,
        reference_name: str,
        unit: str,
        notes: Sequence[str] = (),
    ) -> Figure:
        """A figure of which more is better, such as requests per second: the ratio is ours / theirs."""
        return cls._of(name, ours, reference, reference_name, in_pairs(ours, reference), unit, notes)

    @classmethod
    def _of(
        cls,
        name: str,
        ours: Samples,
        reference: Samples,
        reference_name: str,
        ratios: Samples,
        unit: str,
        notes: Sequence[str],
    ) -> Figure:
        digits = _digits(min(ours.middle, reference.middle))
        noise = (
            f"{len(ratios.values)} rounds; ours {ours.spread(digits)}, reference {reference.spread(digits)}, "
            f"ratio round by round {ratios.spread(3)}, its median ±{ratios.uncertainty:.1%}"
        )
        return cls(name, ours.middle, reference.middle, reference_name, ratios.middle, unit, (noise, *notes))

    def record(self) -> dict[str, Any]:
        """The figure as results.json holds it."""
        return {
            "name": self.name,
            "ours": round(self.ours, 4),
            "reference": round(self.reference, 4),
            "reference_name": self.reference_name,
            "ratio": round(self.ratio, 4),
            "unit": self.unit,
        }


def in_pairs(above: Samples, below: Samples) -> Samples:
    """The ratio of each round."""
    return Samples(tuple(a / b for a, b in zip(above.values, below.values, strict=True)))


def write(figures: Sequence[Figure], path: Path) -> None:
    """Writes the figures of this run, and no others, to `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([figure.record() for figure in figures], indent=2, ensure_ascii=False) + "\n")


def table(figures: Sequence[Figure]) -> str:
    """The figures as a table, and the notes below it."""
    head = ("name", "ours", "reference", "reference name", "ratio", "unit")
    rows = [head, *(_cells(figure) for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    lines = ["  ".join(_aligned(row, widths)) for row in rows]
    lines.insert(1, "  ".join("-" * width for width in widths))
    for figure in figures:
        lines.append("")
        lines.append(f"{figure.name}:")
        lines.extend(f"  {note}" for note in figure.notes)
    return "\n".join(line.rstrip() for line in lines)


def _aligned(row: Sequence[str], widths: Sequence[int]) -> Iterator[str]:
    for column, (cell, width) in enumerate(zip(row, widths, strict=True)):
        yield cell.rjust(width) if column in _NUMERIC else cell.ljust(width)


def _cells(figure: Figure) -> tuple[str, ...]:
    digits = _digits(min(figure.ours, figure.reference))
    return (
        figure.name,
        f"{figure.ours:,.{digits}f}",
        f"{figure.reference:,.{digits}f}",
        figure.reference_name,
        f"{figure.ratio:.3f}" if figure.ratio < 10 else f"{figure.ratio:.1f}",
        figure.unit,
    )


def _digits(smallest: float) -> int:
    return 0 if smallest >= 1000 else 2
