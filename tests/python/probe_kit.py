"""Runs `sealgate routes probe` against small applications, as people do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.control_plane import program

BASE = '''
from fastapi import Depends, FastAPI, HTTPException, Request, Response, WebSocket
from pydantic import BaseModel

app = FastAPI(openapi_url=None)


def known(request: Request) -> None:
    """Lets in who has Ada's token."""
    if request.headers.get("authorization") != "Bearer of-ada":
        raise HTTPException(401)


GATE = [Depends(known)]
'''
"""What the applications begin with: one honest gate."""


@dataclass(frozen=True)
class Probed:
    """What a run ended with."""

    status: int
    document: dict[str, Any]
    talk: str

    @property
    def evidence(self) -> dict[str, str]:
        """By method and path."""
        return {key: str(route["evidence"]) for key, route in self._routes().items()}

    def reason(self, route: str) -> str:
        """Why a route's evidence is what it is."""
        return str(self._routes()[route]["reason"])

    def rules(self, route: str | None = None) -> set[str]:
        """The rules of the findings, of one route or all."""
        findings = self.document["findings"]
        return {str(one["rule"]) for one in findings if route is None or _key(one["route"]) == route}

    @property
    def messages(self) -> str:
        """What the findings say, a line each."""
        return "\n".join(str(finding["message"]) for finding in self.document["findings"])

    @property
    def notes(self) -> list[str]:
        """What was said beside the routes."""
        return [str(note["text"]) for note in self.document["notes"]]

    def _routes(self) -> dict[str, Any]:
        return {_name(route): route for route in self.document["routes"]}


def _name(route: Mapping[str, Any]) -> str:
    kind = "WEBSOCKET" if route["kind"] == "websocket" else ",".join(route["methods"]) or "*"
    return f"{kind} {route['path']}"


def _key(route: Mapping[str, Any]) -> str:
    return f"{route['methods']} {route['path']}"


def environment(**more: str) -> dict[str, str]:
    """This process's, without settings of a gate and with `more`."""
    mine = {name: value for name, value in os.environ.items() if not name.startswith("SEALGATE_")}
    return {**mine, "PYTHONDONTWRITEBYTECODE": "1", **more}


def written(folder: Path, source: str, *, base: str = BASE) -> Path:
    """An application in a folder of its own."""
    (folder / "main.py").write_text(base + source)
    return folder


def run(folder: Path, *options: str, env: Mapping[str, str] | None = None) -> Probed:
    """Runs the program in `folder`."""
    command = [program(), "--json", "routes", "probe", *options]
    done = subprocess.run(
        command, cwd=folder, env=env or environment(), capture_output=True, text=True, timeout=120
    )
    assert done.stdout, done.stderr
    return Probed(done.returncode, json.loads(done.stdout), done.stderr)


def probe(
    folder: Path, source: str, *options: str, base: str = BASE, env: Mapping[str, str] | None = None
) -> Probed:
    """Asks the application that `source` makes, in a child."""
    written(folder, source, base=base)
    return run(folder, "main:app", "--python", sys.executable, *options, env=env)


def identities(folder: Path, text: str) -> tuple[str, str]:
    """The options for a probe file."""
    file = folder / "probe.toml"
    file.write_text(text)
    return "--identities", str(file)
