"""What an application can see of the revocation feed: figures, metrics, log lines."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from lab import wait_until
from sealgate import FeedStatus, Gate
from sessions import Realm
from unreachable import SETTINGS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "how-to" / "watch-revocation.md").read_text("utf-8")


def metrics(gate: Gate) -> dict[str, float]:
    lines = gate.openmetrics().splitlines()
    assert lines[-1] == "# EOF"
    values = [line.rsplit(" ", 1) for line in lines if not line.startswith("#")]
    return {name: float(value) for name, value in values}


def test_every_metric_is_told_on_the_page_and_no_other(gate: Gate) -> None:
    source = "".join(path.read_text("utf-8") for path in (ROOT / "crates/sealgate-gate/src").rglob("*.rs"))
    known = set(re.findall(r'"(sealgate_gate\w*)"', source))
    told = set(re.findall(r"^\| `(sealgate_gate_\w+)` \|", PAGE, re.MULTILINE))
    assert {re.sub(r"_(total|info)$", "", name) for name in told} == known
    for name in metrics(gate):
        assert re.split(r"[{]", name)[0] in told


def test_every_log_line_of_the_feed_is_told_on_the_page() -> None:
    source = "".join(
        path.read_text("utf-8") for path in (ROOT / "crates/sealgate-gate/src/feed").glob("*.rs")
    )
    said = re.findall(r'tracing::(?:info|warn)!\([^;]*?"([a-z][^"{}]{20,})"[^;"]*\)', source)
    assert len(said) > 8
    for line in said:
        assert line.split(":")[0] in PAGE, line


def test_a_gate_without_its_control_plane_is_not_fresh_and_says_so(gate: Gate) -> None:
    status = gate.feed
    assert isinstance(status, FeedStatus)
    assert (status.fresh, status.age, status.stale_since, status.bound) == (False, None, None, 10.0)
    assert repr(status).startswith("FeedStatus(fresh=False, connected=False")
    with pytest.raises(AttributeError):
        status.fresh = True  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    assert metrics(gate)["sealgate_gate_feed_fresh"] == 0


async def test_decisions_are_counted(gate: Gate, app: FastAPI) -> None:
    @app.get("/open", dependencies=[gate.public("everybody")])
    async def everybody() -> str:
        return "open"

    @app.get("/closed")
    async def nobody() -> str:
        return "closed"

    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as http:
        assert (await http.get("/open")).status_code == 200
        assert (await http.get("/closed")).status_code == 401
    counted = metrics(gate)
    assert counted['sealgate_gate_decisions_total{outcome="allowed"}'] == 1
    assert counted['sealgate_gate_decisions_total{outcome="refused"}'] == 1


def test_what_changes_is_logged_once(realm: Realm, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "sealgate")
    settings: dict[str, Any] = {
        **SETTINGS,
        "issuer": realm.plane.issuer,
        "client_id": realm.client.id,
        "client_secret": realm.client.secret,
    }
    gate = Gate(**settings, shared_view="off", gate_name="watched")
    core = gate._core  # pyright: ignore[reportPrivateUsage]
    core.start()
    try:
        wait_until(lambda: gate.feed.fresh and gate.feed.connected, "the feed")
        assert gate.feed.leading
        assert not gate.feed.shared
        assert gate.feed.snapshots == 1
        skew = gate.feed.skew
        assert skew is not None
        assert abs(skew) < 5
    finally:
        core.stop()
    lines = [record.getMessage() for record in caplog.records]
    assert lines.count("the revocation feed is connected") == 1
    assert lines.count("the revocation view is fresh") == 1
    warnings = [record.getMessage() for record in caplog.records if record.levelno > logging.INFO]
    assert not [line for line in warnings if "revocation" in line]
