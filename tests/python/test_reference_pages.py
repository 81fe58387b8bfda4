"""The reference pages tell of everything that the code has, and of nothing else."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from sealgate import Gate, SettingsError
from unreachable import SETTINGS

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "docs" / "reference"

Row = tuple[str, ...]


def page(name: str) -> str:
    return (PAGES / name).read_text("utf-8")


def code(*folders: str) -> str:
    """The Rust sources below the folders, without their tests."""
    texts: list[str] = []
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.rs")):
            if "tests" not in path.with_suffix("").parts:
                texts.append(
                    re.split(r"#\[cfg\(test\)\]\n(?:pub\(crate\) )?mod \w+ \{", path.read_text("utf-8"))[0]
                )
    assert texts
    return "\n".join(texts)


def rows(text: str) -> list[Row]:
    lines = [line for line in text.splitlines() if line.startswith("| ") and not line.startswith("| ---")]
    return [tuple(cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]) for line in lines]


def gate(**change: Any) -> Gate:
    return Gate(**(SETTINGS | change))


def quoted(text: str) -> set[str]:
    return set(re.findall(r"`([^`]+)`", text))


# Settings


def gate_settings() -> list[Row]:
    told, _, _ = page("settings.md").partition("## The server")
    return [row for row in rows(told) if row[0] != "name"]


def test_every_setting_of_the_gate_is_told() -> None:
    told = [row[0].strip("`") for row in gate_settings()]
    known = re.findall(r'"(SEALGATE_[A-Z_]+)"', code("crates/sealgate-gate/src"))
    assert sorted(told) == sorted(set(known))


def test_every_setting_of_the_server_is_told() -> None:
    _, _, server = page("settings.md").partition("## The server")
    told = {name for row in rows(server) for name in quoted(row[1]) if name.startswith("SEALGATE_")}
    assert told == set(re.findall(r'"(SEALGATE_[A-Z_]+)"', code("crates/sealgate/src/settings"))) - {
        "SEALGATE_CONFIG"
    }
    assert "`SEALGATE_CONFIG`" in server


def test_required_settings_are_required_and_the_others_are_not() -> None:
    for name, default, _ in gate_settings():
        argument = name.strip("`").removeprefix("SEALGATE_").lower()
        if default == "required":
            with pytest.raises(SettingsError, match=f"^{name.strip('`')} is not set"):
                gate(**{argument: ""})
        else:
            Gate(**{given: value for given, value in SETTINGS.items() if given != argument})


def test_every_setting_of_the_gate_can_stand_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    for name in [*(row[0].strip("`") for row in gate_settings()), "SEALGATE_DATA_DIR"]:
        file.write_text(f"\n{name}=\x01")
        known = "holds a control character" if name != "SEALGATE_DATA_DIR" else "is no setting of the gate"
        with pytest.raises(SettingsError, match=f"^{name} {known}.*, line 2"):
            Gate.from_env(file)


def test_seconds_have_the_limits_and_defaults_that_are_told() -> None:
    source = code("crates/sealgate-gate/src")
    checked = 0
    for name, default, what in gate_settings():
        limits = re.match(r"seconds, (\d+) to (\d+)", what)
        if limits is None:
            continue
        checked += 1
        argument = name.strip("`").removeprefix("SEALGATE_").lower()
        least, most = (int(limit) for limit in limits.groups())
        for good in (least, most):
            gate(**{argument: good})
        for bad in (least - 1, most + 1):
            with pytest.raises(SettingsError, match=f"from {least} to {most}"):
                gate(**{argument: bad})
        built_in = re.search(rf'"{name.strip("`")}", ([\d_]+),', source)
        assert built_in is not None
        assert int(built_in[1]) == int(default), name
    assert checked == 3


def test_named_values_are_taken_and_others_are_not() -> None:
    gate(unmarked="deny", scopes=["openid"])
    for name, value in (("unmarked", "open"), ("scopes", ["email"])):
        with pytest.raises(SettingsError):
            gate(**{name: value})


# Reason codes

CODES = [
    r'Self::\w+(?: ?\{ ?\.\. ?\}|\(\w+\))? => "([a-z]+(?:_[a-z]+)+|conflict)"',  # fn code()
    r'reason: "([a-z_]+)"',  # pages of the gate
    r'Self::\w+ => \(\s*\d+,\s*"([a-z_]+)"',  # pages of a failed sign-in
    r'=> \(\s*\d+,\s*"(provider_[a-z_]+)"',
    r'^ +\w+(?:\(.*?\))? = "([a-z_]+)", [A-Z]\w+,',  # OAuthError
    r'Problem::(?:bad_request|unprocessable|unavailable)\(\s*"([a-z_]+)"',
    r'Problem::new\(\s*StatusCode::\w+,\s*"([a-z_]+)"',
    r'Refusal::Logout\(\s*"([a-z_]+)"',
    r'Failure::(?:refused|usage|unavailable)\(\s*"([a-z_]+)"',
    r'Refusal \{\s*reason: "([a-z_]+)"',
]


def test_every_reason_code_is_told() -> None:
    source = code(*(str(path.relative_to(ROOT)) for path in sorted((ROOT / "crates").glob("*/src"))))
    known = {found for pattern in CODES for found in re.findall(pattern, source, re.MULTILINE)}
    assert len(known) > 100
    assert known - quoted(page("reason-codes.md")) == set()


def test_no_reason_code_is_told_that_does_not_exist() -> None:
    source = code("crates") + "".join(path.read_text("utf-8") for path in (ROOT / "python").rglob("*.py"))
    words = {word for word in quoted(page("reason-codes.md")) if re.fullmatch(r"[a-z]+(?:_[a-z]+)+", word)}
    assert {word for word in words if f'"{word}"' not in source} == set()


def test_every_denial_has_its_status() -> None:
    decision = (ROOT / "crates/sealgate-gate/src/denial.rs").read_text("utf-8")
    codes = dict(re.findall(r'Self::(\w+) => "(\w+)"', decision[: decision.index("fn status")]))
    status = decision[decision.index("fn status") : decision.index("fn title")]
    # Of sessions, and of tokens, which have a column for `error` too.
    told = {(row[0].strip("`"), row[1]) for row in rows(page("reason-codes.md")) if len(row) in (4, 5)}
    for variant, reason in codes.items():
        arm = re.search(rf"Self::{variant}\b[^;]*?=> \{{?\s*(\d+)", status)
        assert (reason, arm[1] if arm else "401") in told, reason
    assert len(codes) > 35


# Command line and HTTP


def test_every_command_and_option_is_told() -> None:
    snapshot = (
        ROOT / "crates/sealgate/src/snapshots/sealgate__cli__tests__the_help_of_every_command_reads_well.snap"
    )
    text = snapshot.read_text("utf-8")
    told = page("cli.md")
    for command in re.findall(r"^\$ sealgate (\S+(?: \S+)?) --help$", text, re.MULTILINE):
        assert re.search(rf"`(?:sealgate )?{command}\b", told), command
    options = set(re.findall(r"--[a-z][a-z-]+", text)) - {"--help", "--version"}
    assert {option for option in options if option not in told} == set()
    assert set(re.findall(r"`(--[a-z][a-z-]+)", told)) - options == set()


def test_every_address_is_told() -> None:
    server = code("crates/sealgate-server/src")
    admin = code("crates/sealgate-server/src/admin")
    routes = set(re.findall(r'\.route\(\s*"([^"]+)"', server))
    below = set(re.findall(r'\bpath = "([^"]+)"', admin))
    told = page("http.md")
    missing = [path for path in routes if path not in told]
    missing += [path for path in below if f"/api/v1{path}`" not in told]
    assert missing == []
    assert len(routes) > 20
    assert len(below) > 20


# Every page


def documents() -> list[Path]:
    return [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")]


def anchors(document: Path) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", document.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", document.read_text("utf-8")):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        there = (document.parent / path).resolve() if path else document
        assert there.exists(), target
        assert not anchor or anchor in anchors(there), target
