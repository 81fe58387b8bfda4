"""The control: without the gate, every test of behaviours fails, and for what it is about."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

from behaviours import test_behaviours
from behaviours.guises import CONTROL

_HERE = Path(__file__).resolve().parent

OTHER_ERRORS = {
    6: "TypeError: Tutorial.app_level() missing 1 required positional argument",
    14: "LookupError: <ContextVar name='current'",
    17: "TimeoutError",
    20: "behaviours.guises.AuthError",
}
"""How a test fails that gets no further than the behaviour itself. All others fail by what they assert."""


def test_each_behaviour_shows_in_an_application_without_the_gate(tmp_path: Path) -> None:
    names = [name for name in vars(test_behaviours) if name.startswith("test_")]
    assert [int(name[5:7]) for name in names] == list(range(1, 28)), "one test for each behaviour, in order"
    report = tmp_path / "report.xml"
    command = [sys.executable, "-m", "pytest", "-q", f"--junitxml={report}", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, str(_HERE / "test_behaviours.py")],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        cwd=_HERE.parents[2],
        env={**os.environ, CONTROL: "1"},
    )
    assert report.exists(), done.stdout[-3000:] + done.stderr[-3000:]
    told: dict[str, str] = {}
    for case in ElementTree.parse(report).iter("testcase"):
        failure = case.find("failure")
        told[case.attrib["name"]] = "passed" if failure is None else failure.attrib["message"]
    odd = {
        name: told.get(name)
        for name in names
        if not told.get(name, "").startswith(OTHER_ERRORS.get(int(name[5:7]), ("assert ", "AssertionError")))
    }
    assert odd == {}
