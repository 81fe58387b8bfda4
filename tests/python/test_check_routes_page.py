"""The tutorial about checking routes works as it is written, word for word."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from lab.control_plane import program
from probe_kit import environment

PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "check-routes.md"

_BLOCK = re.compile(r"(?:`([\w.]+)`:\n\n)?```(\w+)\n(.*?)```", re.DOTALL)


def test_its_files_and_commands_do_what_it_says(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    ran = 0
    for name, language, text in _BLOCK.findall(PAGE.read_text("utf-8")):
        if language == "console":
            ran += 1
            command, _, said = text.removeprefix("$ ").partition("\n")
            assert answer(tmp_path, command) == said.rstrip("\n"), command
        elif language == "diff":
            file = tmp_path / name
            before, after = (line[1:] for line in text.splitlines())
            assert before in file.read_text()
            file.write_text(file.read_text().replace(before, after))
        elif name:
            (tmp_path / name).write_text(text)
    assert ran == 7


def answer(folder: Path, command: str) -> str:
    """What a command of the page says, on both streams."""
    verb, *arguments = shlex.split(command)
    if verb != "sealgate":
        pytest.fail(f"the page runs {verb}")
    if arguments[1] in ("inspect", "probe"):
        arguments += ["--python", sys.executable]
    told = subprocess.run(
        [program(), *arguments], cwd=folder, env=environment(), capture_output=True, text=True, timeout=120
    )
    return (told.stdout + told.stderr).rstrip("\n")
