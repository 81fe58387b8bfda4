"""`sealgate routes probe` on an application that is served: what is sent, and what is not."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import httpx
from lab import Process, free_port, wait_until
from probe_kit import environment, identities, run, written

SOURCE = """
from pathlib import Path

@app.middleware("http")
async def note(request: Request, call_next):
    with Path("asked").open("a") as file:
        print(request.method, request.scope["raw_path"].decode(), request.headers["host"], file=file)
    return await call_next(request)

@app.get("/gated/{name}", dependencies=GATE)
def gated(name: str): ...

@app.delete("/gated/{name}", dependencies=GATE)
def delete(name: str): ...

@app.get("/open")
def opened(): ...

@app.get("/away")
def away():
    raise HTTPException(307, headers={"location": "http://evil.example/away/"})

class Item(BaseModel):
    name: str

@app.post("/late")
def late(item: Item, request: Request):
    known(request)

@app.websocket("/shut")
async def shut(socket: WebSocket):
    await socket.close(1008)

@app.websocket("/accepted")
async def accepted(socket: WebSocket):
    await socket.accept()
    await socket.receive_text()

@app.websocket("/closed")
async def closed(socket: WebSocket):
    await socket.accept()
    await socket.close(1008)
"""


@contextmanager
def served(folder: Path) -> Generator[str]:
    """The application in `folder`, and the file that tells its routes."""
    command = [sys.executable, "-m", "sealgate._inspect", "main:app"]
    done = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, check=True)
    (folder / "routes.json").write_bytes(done.stdout.splitlines()[-1])
    port = free_port()
    server = [sys.executable, "-m", "uvicorn", "main:app", "--port", str(port), "--log-level", "warning"]
    url = f"http://127.0.0.1:{port}"
    process = Process("uvicorn", server, log=folder / "uvicorn.log", cwd=folder, without="SEALGATE_")
    try:
        wait_until(lambda: answers(url), "the application to answer")
        yield url
    finally:
        process.stop()


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/none").status_code == 404
    except httpx.TransportError:
        return False


def asked(folder: Path) -> list[list[str]]:
    """Method, path and host of every HTTP request that arrived."""
    lines = (folder / "asked").read_text().splitlines()
    return [line.split(" ", 2) for line in lines]


FAST = ("--rate", "2000", "--routes", "routes.json")


def test_a_served_application_is_asked_over_the_network(tmp_path: Path) -> None:
    with served(written(tmp_path, SOURCE)) as url:
        file = identities(
            tmp_path,
            '[[identity]]\nname = "ada"\nkind = "valid"\nheaders = { Authorization = "Bearer ${ADA}" }\n',
        )
        probed = run(tmp_path, url, *FAST, *file, env=environment(ADA="of-ada"))
    assert probed.evidence == {
        "GET /gated/{name}": "DENIED",
        "DELETE /gated/{name}": "UNRESOLVED",
        "GET /open": "OPEN",
        "GET /away": "UNRESOLVED",
        "POST /late": "UNRESOLVED",
        "WEBSOCKET /shut": "DENIED",
        "WEBSOCKET /accepted": "OPEN",
        "WEBSOCKET /closed": "UNRESOLVED",
    }
    assert probed.status == 1
    assert probed.reason("GET /gated/{name}").endswith("and ada was answered 200")
    arrived = asked(tmp_path)
    assert {method for method, _, _ in arrived} == {"GET"}
    paths = {path for _, path, _ in arrived}
    assert {"/gated/1;", "//gated/1", "/gated%2f1", "/gated/%31", "/gated/health"} <= paths
    assert {"evil.example", "x/health?"} <= {host for _, _, host in arrived}


def test_what_may_change_something_needs_leave_and_the_name_of_the_host(tmp_path: Path) -> None:
    with served(written(tmp_path, SOURCE)) as url:
        (tmp_path / "openapi.json").write_text(
            json.dumps(
                {
                    "paths": {
                        "/late": {
                            "post": {"requestBody": {"content": {"application/json": {"schema": LATE}}}}
                        }
                    }
                }
            )
        )
        (tmp_path / "asked").unlink(missing_ok=True)
        unsure = run(tmp_path, url, *FAST, "--destructive")
        assert (unsure.status, unsure.document["error"]["reason"]) == (2, "confirmation_missing")
        wrong = run(tmp_path, url, *FAST, "--destructive", "--yes", "localhost")
        assert (wrong.status, wrong.document["error"]["reason"]) == (2, "confirmation_denied")
        assert not (tmp_path / "asked").exists()
        sure = run(tmp_path, url, *FAST, "--destructive", "--yes", "127.0.0.1", "--openapi", "openapi.json")
    assert sure.evidence["DELETE /gated/{name}"] == "DENIED"
    assert sure.evidence["POST /late"] == "DENIED"
    assert sure.rules("POST /late") == {"denied-late"}


LATE = {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}


def test_only_this_machine_and_hosts_that_were_named_are_asked(tmp_path: Path) -> None:
    for target in ("http://192.0.2.1", "http://169.254.169.254/latest", "https://example.invalid"):
        refused = run(tmp_path, target)
        reason = refused.document["error"]["reason"]
        assert refused.status == 2
        assert reason in ("probe_host_foreign", "probe_host_unknown")
    moved = run(tmp_path, "http://127.0.0.1:1", "--allow-host", "127.0.0.1=192.0.2.1")
    assert moved.document["error"]["reason"] == "probe_host_moved"
    missing = run(tmp_path, "http://127.0.0.1:1")
    assert (missing.status, missing.document["error"]["reason"]) == (2, "lock_missing")


def test_an_application_that_is_away_is_not_denied(tmp_path: Path) -> None:
    written(tmp_path, SOURCE)
    with served(tmp_path) as url:
        pass
    probed = run(tmp_path, url, *FAST)
    assert set(probed.evidence.values()) == {"UNRESOLVED"}
    assert "no connection" in probed.reason("GET /open")


def test_limits_leave_the_rest_unproven(tmp_path: Path) -> None:
    with served(written(tmp_path, SOURCE)) as url:
        probed = run(tmp_path, url, *FAST, "--max-requests", "12")
    assert probed.evidence["GET /gated/{name}"] == "UNRESOLVED"
    assert "the limit of this run was reached" in probed.reason("GET /gated/{name}")
    assert len(asked(tmp_path)) <= 13
