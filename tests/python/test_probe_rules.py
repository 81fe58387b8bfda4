"""The pages of the probe's rules: what they show as broken is found, and what they show as fixed is not."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest
from probe_kit import probe

PAGES = Path(__file__).resolve().parents[2] / "docs" / "reference" / "rules"
WHOLE = [
    "accepts-forged",
    "accepts-garbage",
    "denied-late",
    "not-proven",
    "open-when-anonymous",
    "path-confusion",
    "trusts-headers",
    "trusts-host",
    "websocket-open",
]
"""Rules whose examples are whole programs. The others need somebody who is known."""


@pytest.mark.parametrize("rule", WHOLE)
def test_a_rule_finds_its_broken_example_and_not_its_fixed_one(rule: str, tmp_path: Path) -> None:
    broken, fixed = re.findall(r"```python\n(.*?)```", (PAGES / f"{rule}.md").read_text(), re.DOTALL)
    public = '[[tool.sealgate.routes.public]]\nroute = "%s"\nreason = "the interface is published"\n'
    paths = ("/docs", "/redoc", "/openapi.json", "/docs/oauth2-redirect")
    (tmp_path / "pyproject.toml").write_text("".join(public % path for path in paths))
    assert rule in probe(tmp_path, broken, base="").rules()
    if "import jwt" in fixed and importlib.util.find_spec("jwt") is None:
        pytest.skip("PyJWT is not installed")
    found = probe(tmp_path, fixed, base="")
    assert (found.status, found.messages) == (0, "")
