"""Which processor does what, and how much of its time a process took."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

_USABLE = sorted(os.sched_getaffinity(0))
_TICKS = os.sysconf("SC_CLK_TCK")


def server_processors() -> set[int]:
    """Where a server under load runs: one worker needs one."""
    return {_USABLE[0]}


def load_processors() -> set[int]:
    """Where the load comes from: another one, when there are two."""
    return {_USABLE[min(1, len(_USABLE) - 1)]}


def pin(process: int, processors: set[int]) -> None:
    """Binds every thread that the process has now."""
    for thread in Path(f"/proc/{process}/task").iterdir():
        os.sched_setaffinity(int(thread.name), processors)


@contextlib.contextmanager
def started_on(processors: set[int]) -> Iterator[None]:
    """What this thread starts meanwhile is bound to `processors` and sees no others: a server that asks
    how many there are makes as many threads as it would on a machine with so few.
    """
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, processors)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def memory(process: int) -> float:
    """The memory that the process has resident, in MiB."""
    status = Path(f"/proc/{process}/status").read_text()
    kilobytes = next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(kilobytes) / 1024


def seconds_used(process: int) -> float:
    """The processor time that the process has taken so far. Unlike the time of day, it does not count
    what other processes took meanwhile.
    """
    # The program's name may hold blanks and brackets: the fields after it are counted from its end.
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS
