"""The published packages that are scanned: fetched once, unpacked, never imported."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

_SOURCE = (".py", ".toml", ".json", ".yaml", ".yml")
"""What a repository would have too. The rest is large."""


class FetchError(Exception):
    """A package could not be had."""


@dataclass(frozen=True)
class Wheel:
    """A package at a version, as PyPI has it."""

    name: str
    version: str

    def unpacked(self, cache: Path) -> Path:
        """The folder with what is in it. What it depends on is not there: a scan needs none of it."""
        place = cache / f"{self.name}-{self.version}"
        done = place / ".unpacked"
        if not done.exists():
            with zipfile.ZipFile(self._fetched(cache / "wheels" / place.name)) as archive:
                archive.extractall(place, [name for name in archive.namelist() if name.endswith(_SOURCE)])
            done.touch()
        return place

    def _fetched(self, folder: Path) -> Path:
        wheel = next(folder.glob("*.whl"), None)
        if wheel is not None:
            return wheel
        print(f"fetching {self.name} {self.version}", file=sys.stderr, flush=True)
        # All of them say that they run on that one, whichever this is.
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
        command += ["--no-deps", "--only-binary=:all:", "--python-version", "3.11", "--dest", str(folder)]
        done = subprocess.run([*command, f"{self.name}=={self.version}"], stdout=sys.stderr, check=False)
        if done.returncode != 0:
            raise FetchError(f"pip could not download {self.name} {self.version}: its message is above")
        return next(folder.glob("*.whl"))
