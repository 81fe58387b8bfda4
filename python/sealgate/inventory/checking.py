"""One check of an application's routes, for tests: read, judged by the program, and proven able to fail."""

from __future__ import annotations

import json
import os
import subprocess
import tomllib
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sealgate.inventory import Json, control, read
from sealgate.inventory.attributes import options, value

_FAILING = ("error", "warning")
_CLEAN, _FINDINGS = 0, 1


class CheckError(RuntimeError):
    """The check could not be made, or proves nothing."""


@dataclass(frozen=True, slots=True)
class Check:
    """What is checked, and against what."""

    app: Any
    name: str | None = None
    """The application's, as `module:name`."""
    lock: str | os.PathLike[str] | None = None
    """The lock file that it is held to as well."""
    config: str | os.PathLike[str] | None = None
    """Where `[tool.sealgate.routes]` is, if not in the nearest `pyproject.toml`."""

    def run(self, program: str) -> str | None:
        """What is wrong, for people; `None` when nothing is. Raises `CheckError`."""
        with _without_overrides(self.app):
            raw = read(self.app, self._name())
            questions = self._questions(raw["target"])
            judged = _ask(program, questions, raw)
            found = _told(judged)
            if found:
                return _text(raw["target"], found)
            self._saw_everything(raw)
            weakened = control.weakened(self.app, raw, judged)
        for question in questions:
            again = _told(_ask(program, [question], weakened.inventory))
            if not any(_is_about(finding, weakened.route) for finding in again):
                route = f"{','.join(weakened.route['methods']) or '*'} {weakened.route['path']}"
                raise CheckError(
                    f"the check cannot fail: without the gates of {route} it still finds nothing there"
                )
        return None

    def _questions(self, name: str) -> list[list[str]]:
        config = [] if self.config is None else ["--config", os.fspath(self.config)]
        # A name that was only guessed may not be that of the source.
        known = [] if self._name() is None else ["--app", name]
        asked = [["inspect", "--from", "-", *known, *config]]
        if self.lock is not None:
            asked.append(["check", "--from", "-", "--lock", os.fspath(self.lock), "--app", name, *config])
        return asked

    def _name(self) -> str | None:
        """The name that the lock file has for the application, where nobody said one and it has only one."""
        reviewed = self._reviewed()
        return self.name or (next(iter(reviewed)) if len(reviewed) == 1 else None)

    def _reviewed(self) -> dict[str, Any]:
        """What the lock file has of each application."""
        if self.lock is None:
            return {}
        try:
            with Path(self.lock).open("rb") as file:
                return options(tomllib.load(file).get("route"))
        except (OSError, ValueError) as error:
            raise CheckError(f"the lock file cannot be read: {error}") from error

    def _saw_everything(self, raw: Json) -> None:
        """Raises `CheckError` where fewer ways in were seen than there have to be."""
        name = raw["target"]
        ways = sum(len(route["methods"]) or 1 for route in raw["routes"])
        operations = raw["apps"][0].get("openapi_operations") or 0
        if not ways or ways < operations:
            raise CheckError(
                f"{ways} ways into {name} were seen, and its OpenAPI document has {operations} operations"
            )
        reviewed = self._reviewed()
        if reviewed and name not in reviewed:
            raise CheckError(
                f"the lock file has nothing of {name}, but of {', '.join(sorted(reviewed))}: give the name, "
                'as in sealgate_routes(app, name="main:app")'
            )
        known = len(options(reviewed.get(name)))
        if len(raw["routes"]) < known:
            raise CheckError(
                f"{len(raw['routes'])} ways into {name} were seen, and its lock file has {known}"
            )


@contextmanager
def _without_overrides(app: Any) -> Generator[None]:
    """Reads the application as it is outside of tests, which replace dependencies."""
    overrides = options(value(app, "dependency_overrides"))
    before = dict(overrides)
    overrides.clear()
    try:
        yield
    finally:
        overrides.update(before)


def _ask(program: str, questions: list[list[str]], inventory: Json) -> Json:
    """The inventory as the program judged it, with the findings of all questions. Raises `CheckError`."""
    judged: Json = {}
    findings: list[Json] = []
    for question in questions:
        command = [program, "routes", *question, "--format", "json"]
        try:
            done = subprocess.run(  # noqa: S603  # The package's own program, without a shell.
                command, input=json.dumps(inventory), capture_output=True, text=True, check=False
            )
        except OSError as error:
            raise CheckError(f"cannot run {program}: {error}") from error
        if done.returncode not in (_CLEAN, _FINDINGS):
            raise CheckError(f"{' '.join(command)} could not run:\n{done.stderr or done.stdout}")
        try:
            told: Json = json.loads(done.stdout)
            new: list[Json] = told["findings"]
            judged = judged or told
        except (ValueError, KeyError, TypeError) as error:
            raise CheckError(f"{' '.join(command)} did not answer with an inventory: {error}") from error
        if bool(done.returncode) != any(finding["severity"] in _FAILING for finding in new):
            raise CheckError(f"{' '.join(command)} ended with {done.returncode}, and its findings disagree")
        findings += [finding for finding in new if finding not in findings]
    return {**judged, "findings": findings}


def _told(judged: Json) -> list[Json]:
    return [finding for finding in judged["findings"] if finding["severity"] in _FAILING]


def _is_about(finding: Json, route: Json) -> bool:
    about = options(finding.get("route"))
    return all(about.get(name) == route[name] for name in ("app", "path"))


def _text(name: str, findings: list[Json]) -> str:
    number = f"{len(findings)} finding{'' if len(findings) == 1 else 's'}"
    lines = [f"{number} in the routes of {name}"]
    for finding in findings:
        route, place = finding.get("route"), finding.get("place")
        at = f"{place['file']}:{place['line']}" if place else ""
        about = f"{route['methods']} {route['path']}" if route else ""
        lines += [
            "",
            "  ".join(part for part in (f"{finding['severity']}[{finding['rule']}]", about, at) if part),
        ]
        lines.append(f"  {finding['message']}")
        if finding.get("hint"):
            lines.append(f"  hint: {finding['hint']}")
    return "\n".join(lines)
