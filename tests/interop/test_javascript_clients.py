"""openid-client and oauth4webapi complete every flow they have."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from xml.etree import ElementTree

import pytest

from interop.flows import SCRIPTS
from interop.node import node
from interop.world import World

Outcomes = dict[str, str | None]
"""A script's tests: nothing, or how each failed."""
Scripts = dict[str, Future[Outcomes]]


@pytest.fixture(scope="session")
def scripts(world: World, here: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scripts]:
    """Runs each script once, all side by side, with node's own test runner."""
    reports = tmp_path_factory.mktemp("reports")

    def run(script: str) -> Outcomes:
        report = reports / f"{script}.xml"
        env = os.environ | {
            "SEALGATE_INTEROP_WORLD": str(world.plane.folder / "world.json"),
            "NODE_EXTRA_CA_CERTS": str(world.tls.authority),
        }
        options = ["--test-reporter=junit", f"--test-reporter-destination={report}"]
        options += ["--test-timeout=60000", "--test-force-exit"]
        subprocess.run([node(), "--test", *options, script], cwd=here, env=env, check=False, timeout=300)
        found = ElementTree.parse(report).iter("testcase")
        return {case.attrib["name"]: _failure(case) for case in found}

    with ThreadPoolExecutor() as pool:
        yield {script: pool.submit(run, script) for script, _ in SCRIPTS.values()}


def _failure(case: ElementTree.Element) -> str | None:
    failure = case.find("failure")
    return None if failure is None else f"{failure.get('message')}\n{failure.text}"


@pytest.mark.parametrize(
    ("script", "flow"),
    [
        pytest.param(script, flow, marks=pytest.mark.flow(client, flow), id=f"{client}: {flow}")
        for client, (script, flows) in SCRIPTS.items()
        for flow in flows
    ],
)
def test_a_client_completes_a_flow(scripts: Scripts, script: str, flow: str) -> None:
    outcomes = scripts[script].result()
    assert flow in outcomes, "the script has no such test"
    assert outcomes[flow] is None, outcomes[flow]


@pytest.mark.parametrize(("script", "flows"), SCRIPTS.values())
def test_a_script_has_no_test_that_is_not_in_the_table(
    scripts: Scripts, script: str, flows: list[str]
) -> None:
    assert set(scripts[script].result()) - set(flows) == set()
