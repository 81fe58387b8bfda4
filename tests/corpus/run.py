"""Scans real applications, compares with what is true of them, and prints what came out.

The exit status is 0 when everything is held, 1 when something is missed, 2 when something is not there.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from corpus import figures, truth
from corpus.cases import CASES, missed
from corpus.compare import compare
from corpus.inventory import ScanError, scan
from corpus.wheels import FetchError

_ROOT = Path(__file__).resolve().parents[2]
_SCANS = 3
"""Of each application: the fastest counts, which had the machine to itself and its files at hand."""


@dataclass(frozen=True)
class _Given:
    """What was asked for."""

    corpus: Path
    program: Path
    cache: Path
    only: tuple[str, ...]
    details: bool

    def wants(self, name: str) -> bool:
        """Whether an application or a case was asked for."""
        return not self.only or name in self.only


def main() -> int:
    """The exit status."""
    given = _arguments()
    if not given.program.is_file():
        print(f"error: there is no program at {given.program}", file=sys.stderr)
        print("hint: `make corpus` builds it", file=sys.stderr)
        return 2
    try:
        misses = [*_applications(given), *_cases(given)]
    except FetchError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print()
    for miss in misses:
        print(f"missed: {miss}")
    print(f"{len(misses)} missed" if misses else "all is held")
    return 1 if misses else 0


def _applications(given: _Given) -> Iterator[str]:
    """The figures that are missed on applications whose true routes are known."""
    if not (given.corpus / "truth").is_dir():
        print(f"SKIPPED: there are no route tables in {given.corpus}/truth", file=sys.stderr)
        print("hint: name the folder that has them: make corpus CORPUS=...", file=sys.stderr)
        return
    compared: list[figures.Compared] = []
    for table in truth.read(given.corpus / "truth"):
        if given.wants(table.name):
            folder = table.wheel.unpacked(given.cache)
            try:
                scans = [scan(given.program, folder) for _ in range(_SCANS)]
            except ScanError as error:
                yield f"{table.name}: {error}"
                continue
            told = min(scans, key=lambda told: told.seconds)
            compared.append(figures.Compared(table.name, compare(table, told.routes), told))
    if given.details:
        for one in compared:
            print("\n".join(figures.details(one)))
    if compared:
        print(figures.table(compared))
        yield from figures.misses(compared)


def _cases(given: _Given) -> Iterator[str]:
    """What is not said of known failures."""
    print()
    for case in CASES:
        if given.wants(case.id):
            try:
                unsaid = missed(case, given.program, given.cache)
            except ScanError as error:
                unsaid = [str(error)]
            source = f"{case.source.name} {case.source.version}" if case.source else "of the same shape"
            print(f"{'missed' if unsaid else 'told  '}  {case.id} ({source})", flush=True)
            yield from (f"{case.id}: {what}" for what in unsaid)


def _arguments() -> _Given:
    parser = argparse.ArgumentParser(description=(__doc__ or "").strip())
    parser.add_argument("--corpus", type=Path, default=_ROOT.parent / "shared" / "corpus", metavar="FOLDER")
    parser.add_argument("--program", type=Path, default=_ROOT / "target" / "release" / "sealgate")
    parser.add_argument("--cache", type=Path, default=_ROOT / "target" / "corpus")
    parser.add_argument("--only", default="", metavar="NAME,...", help="these applications and cases")
    parser.add_argument("--details", action="store_true", help="say which routes the figures are about")
    given = parser.parse_args()
    only = tuple(name for name in given.only.split(",") if name)
    return _Given(given.corpus, given.program, given.cache, only, given.details)


if __name__ == "__main__":
    sys.exit(main())
