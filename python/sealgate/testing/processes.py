"""Starting, watching and stopping processes."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self


class ControlPlaneError(RuntimeError):
    """A process did not do what it was started for; the message says where to read on."""


class Process:
    """A process in a session of its own, with its output in a file."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        log: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        without: str | None = None,
    ) -> None:
        """Starts `command` in `cwd`; its stdout and stderr go to `log`.

        `env` is added to this process's, of which names that begin with `without` are left out.
        """
        self.name = name
        self.log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as output:
            self._popen = subprocess.Popen(  # noqa: S603  # What tests start, without a shell.
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**environment(without), **(env or {})},
                cwd=cwd,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The process id."""
        return self._popen.pid

    def check(self) -> None:
        """Raises `ControlPlaneError` if the process has ended."""
        status = self._popen.poll()
        if status is not None:
            raise ControlPlaneError(f"{self.name} ended with status {status}; see {self.log}\n{self.tail()}")

    def tail(self, lines: int = 20) -> str:
        """The last lines of its output."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def stop(self, patience: float = 10.0) -> int:
        """Asks it to end, makes it end after `patience` seconds, and gives its exit status."""
        if self._popen.poll() is None:
            self._popen.send_signal(signal.SIGTERM)
        return self.wait(patience)

    def interrupt(self, patience: float = 10.0) -> int:
        """The same as Ctrl-C in a terminal does it: what it started in its group gets the signal, too."""
        if self._popen.poll() is None:
            os.killpg(self._popen.pid, signal.SIGINT)
        return self.wait(patience)

    def wait(self, patience: float = 10.0) -> int:
        """Waits until it has ended, makes it end after `patience` seconds, and gives its exit status."""
        try:
            self._popen.wait(patience)
        except subprocess.TimeoutExpired:
            self.kill()
        return self._popen.wait()

    def kill(self) -> None:
        """Ends it without asking, as a crash would, together with what it started."""
        if self._popen.poll() is None:
            os.killpg(self._popen.pid, signal.SIGKILL)
            self._popen.wait()

    def __enter__(self) -> Self:
        """Is the process itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stops it."""
        self.stop()


def environment(without: str | None = None) -> dict[str, str]:
    """The environment of this process but for names that begin with `without`."""
    return {
        name: value for name, value in os.environ.items() if without is None or not name.startswith(without)
    }


def free_port(wanted: int = 0) -> int:
    """`wanted` if it is free on loopback, else a port that is free now."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise ControlPlaneError("there is no free port on 127.0.0.1")


def wait_until(done: Callable[[], bool], what: str, patience: float = 20.0, pause: float = 0.02) -> float:
    """Waits until `done()`, for at most `patience` seconds; the seconds it took.

    Raises `ControlPlaneError` when they are over.
    """
    start = time.perf_counter()
    while not done():
        if time.perf_counter() - start > patience:
            raise ControlPlaneError(f"waited {patience:g} s for {what}")
        time.sleep(pause)
    return time.perf_counter() - start
