"""The world every foreign program meets, and the table of what each of them completed."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from interop.flows import CLIENTS, FLOWS, table
from interop.world import World, build

_done: dict[tuple[str, str], str] = {}
_told: list[str] = []


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "flow(client, name): what is completed, for the table at the end")
    config.addinivalue_line("markers", "slow: takes minutes; `make interop` runs it, `make test` does not")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    marker = item.get_closest_marker("flow")
    if marker is not None and (call.when == "call" or report.failed):
        client, name = marker.args
        assert client in CLIENTS, client
        assert name in FLOWS, name
        key = (client, name)
        if report.failed or key not in _done:
            _done[key] = "FAIL" if report.failed else "pass" if report.passed else "skipped"
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _done:
        terminalreporter.section("flow x client")
        terminalreporter.write_line(table(_done))
    for line in _told:
        terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def told() -> list[str]:
    """What is said at the end, beside the table."""
    return _told


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A control plane with a person and clients of every kind."""
    world = build(tmp_path_factory.mktemp("world"))
    yield world
    world.stop()


@pytest.fixture(scope="session")
def tenant_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The same with an issuer that has a path."""
    world = build(tmp_path_factory.mktemp("tenant-world"), path="/tenant")
    yield world
    world.stop()


@pytest.fixture(scope="session")
def here() -> Path:
    """The folder of these tests."""
    return Path(__file__).resolve().parent
