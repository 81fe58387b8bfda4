"""Runs the benchmarks, prints one table, and writes target/bench/results.json.

Each Python file beside this one is a benchmark: its name is the file's, and `measure(bench)` runs it.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import os
import sys
import tempfile
import traceback
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "tools")]

from kit import environments, figures  # noqa: E402


def main() -> int:
    """The exit status: 0 when every benchmark that was asked for gave a figure."""
    known = sorted(path.stem for path in HERE.glob("*.py") if path != Path(__file__).resolve())
    names, build = _arguments(known)
    try:
        _move_into(environments.product(build=build))
    except environments.MissingError as missing:
        print(f"error: the product is not there to be measured: {missing}", file=sys.stderr)
        return 1
    return _run(names)


def _move_into(environment: environments.Environment) -> None:
    """Starts this program anew in `environment`, unless it runs there already."""
    if Path(sys.prefix).resolve() == environment.path.resolve():
        return
    # Settings meant for the person's own application must reach neither the gate nor a peer.
    foreign = ("SEALGATE_", "WORKOS_", "PYTHON")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    python = str(environment.python)
    os.execve(python, [python, *sys.argv, "--no-build"], kept)


def _run(names: list[str]) -> int:
    from kit.bench import Bench  # It needs what only the product's environment has.

    measured: list[figures.Figure] = []
    failed: list[str] = []
    with contextlib.ExitStack() as cleanup:
        # On the disk: /tmp may be memory, where a sync costs nothing.
        folder = Path(cleanup.enter_context(tempfile.TemporaryDirectory(prefix="sealgate-", dir="/var/tmp")))
        bench = Bench(folder, cleanup)
        for name in names:
            print(f"measuring {name}", file=sys.stderr, flush=True)
            try:
                measured.append(importlib.import_module(name).measure(bench))
            except environments.MissingError as missing:
                failed.append(f"{name}: {missing}")
            except Exception:
                # One benchmark that cannot run must not cost the figures of the others.
                failed.append(f"{name}: {traceback.format_exc()}")
    figures.write(measured, environments.OUTPUT / "results.json")
    if measured:
        print(figures.table(measured), flush=True)
    for failure in failed:
        print(f"\nno figure for {failure}", file=sys.stderr)
    return 1 if failed else 0


def _arguments(known: list[str]) -> tuple[list[str], bool]:
    """Which benchmarks to run, and whether to build what they measure."""
    purpose, _, how = (__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser(description=purpose, epilog=f"{how} There are: {', '.join(known)}.")
    parser.add_argument("--only", type=_names, metavar="NAME,...", help="run these, in this order")
    parser.add_argument("--no-build", action="store_true", help="take the product as it was last installed")
    given = parser.parse_args()
    wanted: list[str] = given.only or known
    unknown = [name for name in wanted if name not in known]
    if unknown:
        parser.error(f"no benchmark {', '.join(unknown)}; there are {', '.join(known)}")
    return wanted, not given.no_build


def _names(text: str) -> list[str]:
    return [name for name in text.replace(",", " ").split() if name]


if __name__ == "__main__":
    sys.exit(main())
