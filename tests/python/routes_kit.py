"""Runs `sealgate routes` as people do."""

from __future__ import annotations

import json as reader
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.control_plane import program


@dataclass(frozen=True)
class Ran:
    """What a run ended with."""

    status: int
    text: str
    talk: str

    @property
    def document(self) -> dict[str, Any]:
        """Its JSON."""
        return dict(reader.loads(self.text))

    @property
    def findings(self) -> list[dict[str, Any]]:
        """What fails, or is worth knowing."""
        return list(self.document["findings"])

    @property
    def rules(self) -> set[str]:
        """The rules of all that fails."""
        return {finding["rule"] for finding in self.findings if finding["severity"] != "note"}


def routes(folder: Path, command: str, *arguments: str, json: bool = True) -> Ran:
    """Runs a command in a folder, with the Python that the tests run in."""
    told = [program(), "routes", command, *arguments]
    if command == "inspect" or "inspect" in arguments:
        told += ["--python", sys.executable]
    if json:
        told.append("--json")
    here = {key: value for key, value in os.environ.items() if key != "VIRTUAL_ENV"}
    ran = subprocess.run(told, cwd=folder, env=here, capture_output=True, text=True, timeout=120, check=False)
    assert ran.returncode in (0, 1), ran.stderr
    return Ran(ran.returncode, ran.stdout, ran.stderr)
