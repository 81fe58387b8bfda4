"""The control plane does as oidc-provider does, except where docs/reference/differences.md says why not."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from interop.differential import Peer, Server, Told, answers, differences, metadata, ours, refusals
from interop.world import World

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "differences.md"


@pytest.fixture(scope="module")
def servers(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Server]]:
    """The control plane and its peer."""
    with Peer(world, tmp_path_factory.mktemp("peer")) as peer:
        both = ours(world), peer.server(world)
        yield both
        for server in both:
            server.close()


def listed(*sections: str) -> dict[str, tuple[str, str]]:
    """The differences that the page lists in `sections`; each with its reason."""
    found: dict[str, tuple[str, str]] = {}
    section = ""
    for line in PAGE.read_text("utf-8").splitlines():
        if line.startswith("## "):
            section = line.removeprefix("## ")
        elif line.startswith("| ") and section in sections and not line.startswith("| ---"):
            what, own, theirs, reason = (cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1])
            if what == "what":
                continue
            assert what not in found, f"{what} is listed twice"
            assert len(reason) > 10, f"{what} has no reason"
            found[what] = own.strip("`"), theirs.strip("`")
    return found


@pytest.mark.parametrize(
    ("section", "collect"),
    [("Metadata", metadata), ("Refusals", refusals), ("Answers and tokens", answers)],
    ids=["metadata", "refusals", "answers"],
)
def test_every_difference_is_listed_and_every_listed_difference_is_there(
    servers: tuple[Server, Server], section: str, collect: Callable[[Server], Told]
) -> None:
    found = differences(*(collect(server) for server in servers))
    told = listed(section)
    unlisted = [
        f"| {what} | `{own}` | `{theirs}` | |"
        for what, (own, theirs) in found.items()
        if told.get(what) != (own, theirs)
    ]
    assert unlisted == [], "\n".join(["not listed, or listed otherwise:", *unlisted])
    assert [what for what in told if what not in found] == [], "listed, but the same now"
