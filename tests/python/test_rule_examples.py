"""Each rule finds its broken example, and not its fixed one: the pages that people read are true."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from lab.control_plane import program
from routes_kit import routes

RULES = Path(__file__).resolve().parents[2] / "docs" / "reference" / "rules"

PROBED = {
    "accepts-demoted",
    "accepts-expired",
    "accepts-foreign",
    "accepts-forged",
    "accepts-garbage",
    "accepts-revoked",
    "crosses-tenants",
    "denied-late",
    "not-proven",
    "open-when-anonymous",
    "path-confusion",
    "trusts-headers",
    "trusts-host",
    "websocket-open",
}
"""What only requests find: `test_probe_rules.py`."""

COMPARED = {"gate-differs", "only-at-run-time", "only-in-source"}
"""What a comparison of two looks finds: their examples are parts of programs."""


def pages() -> list[str]:
    return sorted(page.stem for page in RULES.glob("*.md") if page.stem not in PROBED | COMPARED | {"README"})


def examples(rule: str) -> tuple[dict[str, str], dict[str, str]]:
    """The files of the broken and of the fixed example on a rule's page."""
    text = (RULES / f"{rule}.md").read_text()
    broken, fixed = text.partition("## Broken")[2].split("## Fixed")
    return files(broken), files(fixed)


def files(part: str) -> dict[str, str]:
    blocks = re.findall(r"(?:`([\w.]+)`:\n\n)?```\w+\n(.*?)```", part, re.DOTALL)
    return {name or "main.py": text for name, text in blocks}


def found(folder: Path, example: dict[str, str]) -> set[str]:
    """The rules of what is found in an example: held to its lock file, if it has one."""
    folder.mkdir()
    for name, text in example.items():
        (folder / name).write_text(text)
    lock = example.get("sealgate.routes.toml", "")
    if not lock:
        return {finding["rule"] for finding in routes(folder, "scan").findings}
    inspected = 'lens = "inspect"' in lock
    lens = ("--lens", "inspect", "--target", "main:app") if inspected else ()
    return {finding["rule"] for finding in routes(folder, "check", *lens).findings}


@pytest.mark.parametrize("rule", pages())
def test_a_rule_finds_its_broken_example_alone(rule: str, tmp_path: Path) -> None:
    broken, fixed = examples(rule)
    assert rule in found(tmp_path / "broken", broken)
    assert rule not in found(tmp_path / "fixed", fixed)


def test_examples_about_coverage_and_drift_have_nothing_else_wrong(tmp_path: Path) -> None:
    about = [rule for rule in pages() if "sealgate.routes.toml" in examples(rule)[0]]
    assert len(about) > 10
    for rule in about:
        assert found(tmp_path / rule, examples(rule)[1]) == set(), rule


def test_every_rule_has_a_page() -> None:
    ran = subprocess.run([program(), "routes", "rules", "--json"], capture_output=True, check=True)
    told: list[dict[str, Any]] = json.loads(ran.stdout)
    pages = {page.stem for page in RULES.glob("*.md")} - {"README"}
    assert {rule["id"] for rule in told} == pages
