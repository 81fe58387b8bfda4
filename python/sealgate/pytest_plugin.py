"""The pytest plugin, found by its entry point: a control plane for a run of tests, a check of routes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from sealgate.testing import ControlPlane
from sealgate.testing.control_plane import program


@pytest.fixture(scope="session")
def sealgate_control_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A running control plane, empty but for what tests add; it ends with the run."""
    with ControlPlane(tmp_path_factory.mktemp("sealgate")) as plane:
        yield plane


class RoutesCheck:
    """Fails a test unless strangers are kept from every route that is not public."""

    def __call__(
        self,
        app: Any,
        *,
        name: str | None = None,
        lock: str | os.PathLike[str] | None = None,
        config: str | os.PathLike[str] | None = None,
    ) -> None:
        """Reads the live application and has the `sealgate` program judge it.

        `name` is what the application is called, as in `"main:app"`; without it, it is looked for. `lock` is
        the lock file that the routes are held to, `config` where the configuration is if it is not in the
        nearest `pyproject.toml`. Fails the test with the findings. Raises `CheckError` where the check could
        not be made, saw too little, or does not notice that a gate is taken away.
        """
        __tracebackhide__ = True
        from sealgate.inventory.checking import Check  # Not for every run of tests that has the plugin.

        wrong = Check(app, name, lock, config).run(program())
        if wrong is not None:
            pytest.fail(wrong, pytrace=False)


@pytest.fixture(scope="session")
def sealgate_routes() -> RoutesCheck:
    """`sealgate_routes(app)` checks that every route of an application has a gate or is public."""
    return RoutesCheck()
