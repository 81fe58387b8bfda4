"""The reference page of the Python package tells of everything that can be imported, and of nothing else."""

import inspect
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import sealgate
import sealgate.testing
from sealgate import Agent, Gate, Machine, User, pytest_plugin
from sealgate.dependencies import ActorDependency
from sealgate.testing import ControlPlane

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "python.md").read_text("utf-8")


def section(title: str) -> str:
    found = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", PAGE, re.DOTALL | re.MULTILINE)
    assert found is not None, title
    return found[1]


def told(text: str) -> set[str]:
    """The names in the first cells of tables."""
    cells = re.findall(r"^\| (`[^|]*?`(?:, `[^|]*?`)*) \|", text.replace("\\|", "/"), re.MULTILINE)
    names = (re.findall(r"`(?:gate\.|Gate\.)?(\w+)[^`]*`", cell) for cell in cells)
    return {name for cell in names for name in cell}


def members(of: type[Any]) -> set[str]:
    return {name for name in dir(of) if not name.startswith("_")}


def test_every_name_of_the_package_is_told() -> None:
    words = set(re.findall(r"`(\w+)", PAGE))
    for module in (sealgate, sealgate.testing):
        assert set(module.__all__) - words == set()
    assert told(section("Errors and version")) == {"SettingsError", "OnwardError", "__version__"}


@pytest.mark.parametrize("module", [sealgate, sealgate.testing])
def test_every_name_can_be_imported(module: ModuleType) -> None:
    assert all(hasattr(module, name) for name in module.__all__)
    assert sorted(module.__all__) == list(module.__all__)


def test_every_member_of_the_gate_is_told() -> None:
    assert told(section("Gate")) - {"Gate"} == members(Gate)


@pytest.mark.parametrize("actor", [User, Machine, Agent])
def test_every_attribute_of_an_actor_is_told(actor: type[Any]) -> None:
    text = section("Actors")
    table = re.search(rf"^\| `{actor.__name__}` \|.*?(?=\n\n|\Z)", text, re.DOTALL | re.MULTILINE)
    assert table is not None
    assert told(table[0]) - {actor.__name__} == members(actor)


def test_every_keyword_of_a_dependency_is_told() -> None:
    stricter: Any = vars(ActorDependency)["__call__"]
    keywords = set(inspect.signature(stricter).parameters)
    assert told(section("Dependencies")) == keywords - {"self", "connection", "security_scopes"}


def test_everything_for_tests_is_told() -> None:
    text, _, of_plane = section("Testing").partition("| member of `ControlPlane`")
    assert told(text) == set(sealgate.testing.__all__)
    attributes = {"folder", "data_dir", "port", "setup_url"}
    assert told(of_plane) == members(ControlPlane) | attributes
    assert hasattr(pytest_plugin, "sealgate_control_plane")
    for name in ("as_user", "as_machine", "as_agent"):
        row = re.search(rf"^\| `{name}\(app, \*, ([^`]*)\)`", text, re.MULTILINE)
        assert row is not None
        keywords = [part.partition("=")[0] for part in row[1].split(", ")]
        assert ["app", *keywords] == list(inspect.signature(getattr(sealgate.testing, name)).parameters)


def test_every_figure_of_the_feed_is_told() -> None:
    assert told(section("The feed")) - {"FeedStatus"} == members(sealgate.FeedStatus)
