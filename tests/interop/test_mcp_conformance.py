"""The Model Context Protocol's conformance suite finds nothing wrong with the official client when
`sealgate.agent` authenticates it: not in what the specification requires, and not in the extensions that the
client cannot do alone.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from interop.node import PACKAGES, node

PROGRAM = PACKAGES / "@modelcontextprotocol" / "conformance" / "dist" / "index.js"
CLIENT = Path(__file__).with_name("mcp_agent.py")

# How many checks there are at least, as the suite stands in package-lock.json: fewer would be checks that did
# not run. Some are made for each request, and how many of those there are is the official client's affair.
AUTH = {
    "auth/metadata-default": 18,
    "auth/metadata-var1": 18,
    "auth/metadata-var2": 18,
    "auth/metadata-var3": 18,
}
BEYOND = {
    "auth/client-credentials-jwt": 7,
    "auth/client-credentials-basic": 7,
    "auth/enterprise-managed-authorization": 8,
    "auth/dpop": 12,
    "auth/dpop-nonce": 14,
    "auth/wif-jwt-bearer": 7,
}
"""The extensions: the official client fails the last three by itself."""


@dataclass
class Ran:
    """What came of one run of the suite."""

    checks: dict[str, list[dict[str, Any]]]
    printed: str

    @property
    def total(self) -> int:
        """How many checks passed; none failed or was warned of."""
        told = re.search(r"Total: (\d+) passed, 0 failed, 0 warnings", self.printed)
        assert told is not None, self.printed[-3000:]
        return int(told[1])

    def passed(self, scenario: str) -> int:
        """How many checks of a scenario succeeded; every one did."""
        outcomes = [check["status"] for check in self.checks[scenario] if check["status"] != "INFO"]
        wrong = [check for check in self.checks[scenario] if check["status"] in ("FAILURE", "WARNING")]
        assert not wrong, f"{scenario}: {json.dumps(wrong, indent=1)}"
        return outcomes.count("SUCCESS")


def run(results: Path, *options: str) -> Ran:
    """Runs the suite with our client. It runs its scenarios all at once: on a busy machine they take their
    time.
    """
    command = [node(), str(PROGRAM), "client", "--command", f"{sys.executable} {CLIENT}"]
    command += ["--timeout", "180000", "--output-dir", str(results), *options]
    env = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=560, check=False)
    printed = done.stdout + done.stderr
    assert done.returncode == 0, printed[-4000:]
    checks: dict[str, list[dict[str, Any]]] = {}
    for report in results.rglob("checks.json"):
        name = re.sub(r"-\d{4}-\d\d-\d\dT.*", "", str(report.parent.relative_to(results)))
        checks[name] = json.loads(report.read_text())
    return Ran(checks, printed)


def test_the_suite_of_authorization_passes(tmp_path: Path) -> None:
    ran = run(tmp_path, "--suite", "auth")
    for scenario, least in AUTH.items():
        assert ran.passed(scenario) >= least, scenario
    for scenario in ran.checks:
        assert ran.passed(scenario) > 0, scenario
    assert ran.total >= 225


@pytest.mark.slow
def test_everything_that_the_specification_requires_passes_and_the_extensions_too(tmp_path: Path) -> None:
    ran = run(tmp_path, "--requirements", "2026-07-28")
    assert len(ran.checks) == 39
    for scenario in ran.checks:
        assert ran.passed(scenario) > 0, scenario
    for scenario, count in BEYOND.items():
        assert ran.passed(scenario) >= count, scenario
    assert ran.total >= 460


@pytest.mark.parametrize("scenario", ["auth/dpop", "auth/dpop-nonce", "auth/wif-jwt-bearer"])
def test_what_the_official_client_fails_passes_with_ours(tmp_path: Path, scenario: str) -> None:
    ran = run(tmp_path, "--scenario", scenario)
    assert ran.passed(scenario) >= BEYOND[scenario]


@pytest.mark.parametrize(
    ("scenario", "reason"),
    [
        ("auth/iss-wrong-issuer", "agent_callback_unacceptable"),
        ("auth/iss-supported-missing", "agent_callback_unacceptable"),
        ("auth/resource-mismatch", "agent_resource_mismatch"),
        ("auth/metadata-issuer-mismatch", "agent_issuer_mismatch"),
    ],
)
def test_what_must_be_refused_is_refused_for_its_own_reason(
    tmp_path: Path, scenario: str, reason: str
) -> None:
    run(tmp_path, "--scenario", scenario)
    said = "".join(path.read_text() for path in tmp_path.rglob("stderr.txt"))
    assert f"({reason})" in said
