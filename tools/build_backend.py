"""The build backend of the wheel: maturin's, with the `sealgate` program added.

maturin builds an extension or a program, not both. So each build of a wheel first has cargo build the
program into `wheel-data/scripts`, from where maturin packs it, and then goes on as maturin would.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import maturin
from maturin import (
    get_requires_for_build_editable,
    get_requires_for_build_sdist,
    get_requires_for_build_wheel,
)

__all__ = [
    "build_editable",
    "build_sdist",
    "build_wheel",
    "get_requires_for_build_editable",
    "get_requires_for_build_sdist",
    "get_requires_for_build_wheel",
    "prepare_metadata_for_build_editable",
    "prepare_metadata_for_build_wheel",
]

_ROOT = Path(__file__).resolve().parent.parent
_SCRIPTS = _ROOT / "wheel-data" / "scripts"

Settings = Mapping[str, Any] | None


def build_wheel(
    wheel_directory: str, config_settings: Settings = None, metadata_directory: str | None = None
) -> str:
    """Builds the wheel (PEP 517)."""
    _add_program("profile", config_settings)
    return str(maturin.build_wheel(wheel_directory, config_settings, metadata_directory))


def build_editable(
    wheel_directory: str, config_settings: Settings = None, metadata_directory: str | None = None
) -> str:
    """Builds the editable wheel (PEP 660): Python files stay where they are."""
    _add_program("editable-profile", config_settings)
    return str(maturin.build_editable(wheel_directory, config_settings, metadata_directory))


def build_sdist(sdist_directory: str, config_settings: Settings = None) -> str:
    """Builds the source distribution, which holds no program."""
    _SCRIPTS.mkdir(parents=True, exist_ok=True)
    return str(maturin.build_sdist(sdist_directory, config_settings))


def prepare_metadata_for_build_wheel(metadata_directory: str, config_settings: Settings = None) -> str:
    """Writes the wheel's metadata without building."""
    _SCRIPTS.mkdir(parents=True, exist_ok=True)
    return str(maturin.prepare_metadata_for_build_wheel(metadata_directory, config_settings))


prepare_metadata_for_build_editable = prepare_metadata_for_build_wheel


def _add_program(key: str, config_settings: Settings) -> None:
    """Builds the program with the profile that maturin takes for the extension, and lays it down."""
    profile = _profile(key, config_settings)
    command = [
        "cargo",
        "build",
        "--locked",
        "--package",
        "sealgate",
        "--bin",
        "sealgate",
        "--profile",
        profile,
    ]
    subprocess.run(command, cwd=_ROOT, check=True)
    folder = {"dev": "debug", "test": "debug", "bench": "release"}.get(profile, profile)
    name = "sealgate.exe" if os.name == "nt" else "sealgate"
    target = Path(os.environ.get("CARGO_TARGET_DIR", _ROOT / "target"))
    _SCRIPTS.mkdir(parents=True, exist_ok=True)
    shutil.copy2(target / folder / name, _SCRIPTS / name)


def _profile(key: str, config_settings: Settings) -> str:
    """The profile in maturin's arguments if there is one, then in pyproject.toml."""
    arguments: list[str] = maturin.get_maturin_pep517_args(config_settings)
    for argument, value in zip(arguments, [*arguments, ""][1:], strict=True):
        if argument == "--profile":
            return value
        if argument.startswith("--profile="):
            return argument.removeprefix("--profile=")
    settings = tomllib.loads((_ROOT / "pyproject.toml").read_text())["tool"]["maturin"]
    return str(settings[key])
