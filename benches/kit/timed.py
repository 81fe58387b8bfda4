"""Programs of benches/programs that time one call of their own, each in the environment it needs."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from kit.environments import BENCHES, Environment, native
from kit.figures import Samples

PROGRAMS = BENCHES / "programs"


@dataclass(frozen=True)
class Round:
    """One round: microseconds per call."""

    median: float
    p99: float


class Timed:
    """A program that answers rounds."""

    def __init__(self, environment: Environment, program: str, given: Mapping[str, Any]) -> None:
        """Starts it, hands it its configuration, and waits until it has checked its call."""
        self._start(program, [str(environment.python), str(PROGRAMS / program)], given)

    @classmethod
    def native(cls, program: str, given: Mapping[str, Any]) -> Self:
        """The same for a program of benches/native."""
        timed = cls.__new__(cls)
        timed._start(program, [str(native() / program)], given)
        return timed

    def _start(self, name: str, command: Sequence[str], given: Mapping[str, Any]) -> None:
        self._name = name
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._ask(json.dumps(given))

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def round(self) -> Round:
        """Has it run one round."""
        answer = self._ask("round")
        return Round(answer["median"], answer["p99"])

    def _ask(self, line: str) -> dict[str, float]:
        answer = ""
        if self._process.stdin is not None and self._process.stdout is not None:
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"{self._name} ended with status {self._process.wait()}; it may say why above")
        return dict(json.loads(answer))

    def __enter__(self) -> Self:
        """Is the program itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ends it."""
        self._process.kill()
        self._process.communicate()


def in_turn(first: Timed, second: Timed, rounds: int) -> tuple[Sequence[Round], Sequence[Round]]:
    """Rounds of both, alternating, so that both see the same machine."""
    pairs = [(first.round(), second.round()) for _ in range(rounds)]
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs]


def medians(rounds: Sequence[Round]) -> Samples:
    """The medians of the rounds."""
    return Samples(tuple(one.median for one in rounds))


def tails(rounds: Sequence[Round]) -> Samples:
    """The 99th percentiles of the rounds."""
    return Samples(tuple(one.p99 for one in rounds))
