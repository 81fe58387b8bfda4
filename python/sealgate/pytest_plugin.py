"""The pytest plugin, found by its entry point: a control plane for a whole run of tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sealgate.testing import ControlPlane


@pytest.fixture(scope="session")
def sealgate_control_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A running control plane, empty but for what tests add; it ends with the run."""
    with ControlPlane(tmp_path_factory.mktemp("sealgate")) as plane:
        yield plane
