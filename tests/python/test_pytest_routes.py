"""The pytest plugin's check of routes, with a stand-in for the program and, where it can, the real one."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Depends, FastAPI
from sealgate import Gate
from sealgate.inventory import control, read
from sealgate.inventory.checking import CheckError
from sealgate.pytest_plugin import RoutesCheck
from starlette.requests import Request

PROGRAM = '''#!{python}
"""Judges as the real program does, by names: what is in GATES is a gate, and everything else is none."""

import json, os, sys, tomllib

arguments = sys.argv[1:]
with open(os.environ["CALLS"], "a") as calls:
    calls.write(" ".join(arguments) + "\\n")
inventory = json.load(sys.stdin)
mood = os.environ.get("MOOD", "")
if mood == "breaks":
    print("error: it broke", file=sys.stderr)
    sys.exit(2)
gates = os.environ["GATES"].split()
around = [part for app in inventory["apps"] for part in app.get("middleware", ())]
for route in inventory["routes"]:
    mine = [part for part in [*around, *route.get("dependencies", ())] if part["name"] in gates]
    if mine:
        route["gates"] = [{{"name": one["name"], "placement": one["placement"]}} for one in mine]
        route["evidence"] = "GATED"
    elif route["evidence"] == "UNRESOLVED":
        route["evidence"] = "OPEN"
reviewed = []
if "--lock" in arguments:
    with open(arguments[arguments.index("--lock") + 1], "rb") as file:
        reviewed = [name.split()[1] for app in tomllib.load(file)["route"].values() for name in app]
for route in inventory["routes"]:
    rule = None
    if route["evidence"] == "OPEN":
        rule = "open-route" if arguments[1] == "inspect" else "lost-gate"
    if arguments[1] == "check" and route["path"] not in reviewed:
        rule = "new-route"
    if rule and mood != "blind" and not (mood == "blind to drift" and arguments[1] == "check"):
        about = {{"app": route["app"], "path": route["path"], "methods": ",".join(route["methods"])}}
        place = route["file"] and {{"file": route["file"], "line": route["line"]}}
        told = {{"rule": rule, "severity": "error", "message": about["path"] + " is open", "place": place}}
        inventory["findings"].append({{**told, "route": about, "hint": "put a gate before it"}})
print("torn" if mood == "torn" else json.dumps(inventory))
sys.exit(1 if inventory["findings"] or mood == "disagrees" else 0)
'''

APP = "main:app"


def database() -> str:
    return "x"


def current_user(database: Annotated[str, Depends(database)]) -> str:
    return database


async def handler() -> str:
    return "x"


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Makes the plugin use the stand-in; what it was asked is in here."""
    program = tmp_path / "sealgate"
    program.write_text(PROGRAM.format(python=sys.executable))
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    log = tmp_path / "calls"
    log.touch()
    monkeypatch.setenv("SEALGATE_PROGRAM", str(program))
    monkeypatch.setenv("CALLS", str(log))
    monkeypatch.setenv("GATES", f"{__name__}:current_user")
    return log


def gated_app() -> FastAPI:
    router = APIRouter(prefix="/r", dependencies=[Depends(current_user)])
    router.get("/x")(handler)
    router.websocket("/ws")(handler)
    app = FastAPI(openapi_url=None)
    app.include_router(router)
    return app


def locked(folder: Path, *routes: str, app: str = APP) -> Path:
    file = folder / "sealgate.routes.toml"
    blocks = [f'[route."{app}"."{route}"]\nevidence = "GATED"\n' for route in routes]
    file.write_text("version = 1\n" + "\n".join(blocks))
    return file


def check(app: Any, **options: Any) -> None:
    RoutesCheck()(app, **options)


def test_an_application_whose_routes_are_gated_passes(calls: Path) -> None:
    check(gated_app())
    asked = calls.read_text().splitlines()
    assert asked == ["routes inspect --from - --format json"] * 2, "the second one is the negative control"


def test_an_open_route_fails_the_test_with_the_findings(calls: Path) -> None:
    app = gated_app()
    app.get("/admin")(handler)
    with pytest.raises(pytest.fail.Exception) as failed:
        check(app, name=APP)
    here = Path(__file__).resolve()
    file = here.relative_to(Path.cwd()) if here.is_relative_to(Path.cwd()) else here
    line = handler.__code__.co_firstlineno
    assert str(failed.value).splitlines() == [
        "1 finding in the routes of main:app",
        "",
        f"error[open-route]  GET /admin  {file}:{line}",
        "  /admin is open",
        "  hint: put a gate before it",
    ]


def test_the_lock_file_is_checked_too(calls: Path, tmp_path: Path) -> None:
    lock = locked(tmp_path, "GET /r/x", "WEBSOCKET /r/ws")
    check(gated_app(), lock=lock)  # It is named in the lock file alone.
    asked = calls.read_text().splitlines()
    inspect = "routes inspect --from - --app main:app --format json"
    drift = f"routes check --from - --lock {lock} --app main:app --format json"
    assert asked == [inspect, drift, inspect, drift]
    with pytest.raises(pytest.fail.Exception, match=r"error\[new-route\]"):
        check(gated_app(), lock=locked(tmp_path, "GET /r/x"), name=APP)


def test_the_configuration_is_handed_on(calls: Path) -> None:
    check(gated_app(), config="routes.toml")
    assert calls.read_text().splitlines()[0] == "routes inspect --from - --config routes.toml --format json"


@pytest.mark.parametrize("mood", ["blind", "blind to drift"])
def test_a_check_that_does_not_miss_a_gate_is_an_error(
    calls: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mood: str
) -> None:
    monkeypatch.setenv("MOOD", mood)
    with pytest.raises(CheckError, match="the check cannot fail: without the gates of"):
        check(gated_app(), lock=locked(tmp_path, "GET /r/x", "WEBSOCKET /r/ws"))


@pytest.mark.parametrize(
    ("mood", "says"),
    [
        ("breaks", "could not run:\nerror: it broke"),
        ("torn", "did not answer with an inventory"),
        ("disagrees", "ended with 1, and its findings disagree"),
    ],
)
def test_a_program_that_does_not_do_its_work_is_an_error(
    calls: Path, monkeypatch: pytest.MonkeyPatch, mood: str, says: str
) -> None:
    monkeypatch.setenv("MOOD", mood)
    with pytest.raises(CheckError, match=says):
        check(gated_app(), name=APP)


def test_a_program_that_is_missing_is_an_error(calls: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEALGATE_PROGRAM", str(calls.parent / "nothing"))
    with pytest.raises(CheckError, match="cannot run"):
        check(gated_app(), name=APP)


def test_an_application_of_which_nothing_is_seen_is_an_error(calls: Path) -> None:
    with pytest.raises(CheckError, match="0 ways into main:app were seen"):
        check(FastAPI(openapi_url=None), name=APP)


def test_fewer_routes_than_operations_are_an_error(calls: Path) -> None:
    app = gated_app()
    app.openapi = lambda: {"paths": {f"/{n}": {"get": {}} for n in range(9)}}  # type: ignore[method-assign]
    with pytest.raises(CheckError, match="2 ways into main:app were seen, and its OpenAPI document has 9"):
        check(app, name=APP)


def test_fewer_routes_than_were_reviewed_are_an_error(calls: Path, tmp_path: Path) -> None:
    lock = locked(tmp_path, "GET /r/x", "WEBSOCKET /r/ws", "GET /gone")
    with pytest.raises(CheckError, match="2 ways into main:app were seen, and its lock file has 3"):
        check(gated_app(), lock=lock)


def test_a_lock_file_of_another_application_is_an_error(calls: Path, tmp_path: Path) -> None:
    lock = locked(tmp_path, "GET /r/x", "WEBSOCKET /r/ws", app="other:app")
    with pytest.raises(CheckError, match="the lock file has nothing of main:app, but of other:app"):
        check(gated_app(), lock=lock, name=APP)
    with pytest.raises(CheckError, match="the lock file cannot be read"):
        check(gated_app(), lock=tmp_path / "none.toml")


def test_overrides_of_tests_do_not_count(calls: Path) -> None:
    app = gated_app()
    app.dependency_overrides[current_user] = lambda: "somebody"
    before = dict(app.dependency_overrides)
    check(app, name=APP)
    assert app.dependency_overrides == before


def test_an_application_without_a_gate_is_tried_with_an_open_route_more(
    calls: Path, monkeypatch: pytest.MonkeyPatch, gate: Gate
) -> None:
    app = FastAPI(openapi_url=None)
    app.get("/health", dependencies=[gate.public("load balancers ask")])(handler)
    gate.install(app)
    check(app, name=APP)
    monkeypatch.setenv("MOOD", "blind")
    with pytest.raises(CheckError, match="without the gates of GET /sealgate-negative-control"):
        check(app, name=APP)


# What the negative control takes away


def judged(raw: dict[str, Any], *gates: str) -> dict[str, Any]:
    """`raw` with the gates of these names found."""
    copy: dict[str, Any] = json.loads(json.dumps(raw))
    around = copy["apps"][0].get("middleware", [])
    for route in copy["routes"]:
        mine = [part for part in [*around, *route.get("dependencies", [])] if part["name"] in gates]
        if mine:
            route.update(
                evidence="GATED", gates=[{"name": p["name"], "placement": p["placement"]} for p in mine]
            )
    return copy


def test_a_gate_is_taken_from_the_live_application_and_put_back() -> None:
    app = gated_app()
    raw = read(app, APP)
    name = f"{__name__}:current_user"
    weak = control.weakened(app, raw, judged(raw, name))
    assert weak.live
    assert weak.route["path"] == "/r/ws" or weak.route["path"] == "/r/x"
    (lost,) = (route for route in weak.inventory["routes"] if control.same(route, weak.route))
    assert "dependencies" not in lost
    kept = [route for route in weak.inventory["routes"] if not control.same(route, weak.route)]
    assert [part["name"] for part in kept[0]["dependencies"]][-1] == name
    assert read(app, APP) == raw


def test_a_gate_that_stands_there_twice_is_taken_away_twice() -> None:
    app = FastAPI(openapi_url=None, dependencies=[Depends(current_user)])

    @app.get("/x", dependencies=[Depends(current_user)])
    async def x(user: Annotated[str, Depends(current_user)]) -> None: ...

    raw = read(app, APP)
    weak = control.weakened(app, raw, judged(raw, f"{__name__}:current_user"))
    assert weak.live
    assert weak.inventory["routes"][0]["evidence"] == "OPEN"
    assert read(app, APP) == raw


def test_a_middleware_is_taken_away_too_and_put_back() -> None:
    app = FastAPI(openapi_url=None)
    app.get("/x")(handler)

    @app.middleware("http")
    async def checks(request: Request, call_next: Any) -> Any: ...

    raw = read(app, APP)
    around = app.user_middleware
    weak = control.weakened(app, raw, judged(raw, f"{__name__}:{checks.__qualname__}"))
    assert weak.live
    assert weak.inventory["routes"][0]["evidence"] == "OPEN"
    assert app.user_middleware is around
    assert read(app, APP) == raw


def test_the_gate_in_front_is_taken_away_with_its_marks(app: FastAPI, gate: Gate) -> None:
    app.get("/x", dependencies=[Depends(gate.user)])(handler)
    raw = read(app, APP)
    weak = control.weakened(app, raw, {**raw, "routes": [r for r in raw["routes"] if r["path"] == "/x"]})
    assert weak.live
    (lost,) = (route for route in weak.inventory["routes"] if route["path"] == "/x")
    assert (lost["evidence"], lost["gates"]) == ("OPEN", [])
    assert read(app, APP) == raw
    assert raw["routes"][-1]["evidence"] == "GATED"


def test_a_gate_that_cannot_be_taken_from_the_application_is_taken_from_a_copy() -> None:
    app = gated_app()
    raw = read(app, APP)
    found = judged(raw, f"{__name__}:current_user")
    for route in found["routes"]:
        route["gates"] = [{"name": f"{__name__}:handler", "placement": "handler"}]
    inside = {
        **raw,
        "routes": [dict(route, evidence="GATED", gates=route["gates"]) for route in found["routes"]],
    }
    app.router.routes.clear()
    weak = control.weakened(app, raw, inside)
    assert not weak.live
    (lost,) = (route for route in weak.inventory["routes"] if control.same(route, weak.route))
    assert (lost["evidence"], lost["endpoint"], lost["gates"]) == ("OPEN", None, [])
    assert "dependencies" not in lost
    assert raw["routes"][0]["dependencies"]


def test_gates_are_put_back_when_reading_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    app = gated_app()
    raw = read(app, APP)
    name = f"{__name__}:current_user"

    def fails(*_: object) -> None:
        raise RuntimeError("it does not read")

    with monkeypatch.context() as broken:
        broken.setattr(control, "read", fails)
        weak = control.weakened(app, raw, judged(raw, name))
    assert not weak.live
    assert read(app, APP) == raw


# The plugin as pytest loads it


def run_pytest(folder: Path, **environment: str) -> str:
    """What a run of pytest in `folder` says, with the plugin of this source."""
    python = os.pathsep.join([str(folder), *(path for path in sys.path if path)])
    plugin = ["-p", "no:sealgate", "-p", "sealgate.pytest_plugin", "-p", "no:cacheprovider"]
    command = [sys.executable, "-m", "pytest", "-q", *plugin, "--rootdir", str(folder), "test_main.py"]
    env = {**os.environ, "PYTHONPATH": python, "PYTHONDONTWRITEBYTECODE": "1", **environment}
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=120)
    return done.stdout + done.stderr


def test_the_fixture_is_there_for_every_test(tmp_path: Path, calls: Path) -> None:
    (tmp_path / "main.py").write_text(
        "from fastapi import Depends, FastAPI\n\n\ndef current_user() -> str:\n    return 'x'\n\n\n"
        "app = FastAPI(openapi_url=None, dependencies=[Depends(current_user)])\n"
        "app.get('/x')(current_user)\n"
    )
    (tmp_path / "test_main.py").write_text(
        "from main import app\n\n\ndef test_every_route(sealgate_routes):\n    sealgate_routes(app)\n"
    )
    assert "1 passed" in run_pytest(tmp_path, GATES="main:current_user")
    assert "error[open-route]  GET /x" in run_pytest(tmp_path, GATES="other:gate")


MAIN = """
from fastapi import Depends, FastAPI
from sealgate import Gate

gate = Gate(
    issuer="http://127.0.0.1:9",
    client_id="tests",
    client_secret="tests-secret-tests-secret",
    base_url="http://127.0.0.1:8000",
    seal_keys="AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA",
    docs="closed",
)
app = FastAPI()
gate.install(app)


@app.get("/health", dependencies=[gate.public("load balancers ask")])
async def health() -> str:
    return "ok"


@app.get("/me", dependencies=[Depends(gate.user)])
async def me() -> str:
    return "me"
"""


def test_the_program_itself_judges_an_application_with_the_gate(tmp_path: Path) -> None:
    program = Path(__file__).resolve().parents[2] / "target" / "debug" / "sealgate"
    (tmp_path / "main.py").write_text(MAIN)
    (tmp_path / "test_main.py").write_text(
        "from main import app\n\n\ndef test_routes(sealgate_routes):\n    sealgate_routes(app)\n"
    )
    told = run_pytest(tmp_path, SEALGATE_PROGRAM=str(program))
    assert "1 passed" in told, told
    (tmp_path / "main.py").write_text(MAIN.replace("Depends(gate.user)", "Depends(gate.optional)"))
    told = run_pytest(tmp_path, SEALGATE_PROGRAM=str(program))
    assert "error[open-route]  GET /me" in told, told
