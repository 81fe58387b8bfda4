"""`sealgate routes probe` on applications that it runs itself: each kind of hole is found."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from probe_kit import environment, identities, probe, run, written

DENIED = """
@app.get("/gated", dependencies=GATE)
def gated(): ...

@app.post("/gated/{number}", dependencies=GATE)
def gated_write(number: int): ...
"""


def test_a_gate_that_denies_is_shown_to_and_its_removal_goes_red(tmp_path: Path) -> None:
    probed = probe(tmp_path, DENIED)
    assert (probed.status, probed.rules()) == (0, set())
    assert probed.evidence == {"GET /gated": "DENIED", "POST /gated/{number}": "DENIED"}
    # The negative control: the same application without its gate.
    removed = probe(tmp_path, f"{DENIED}\napp.dependency_overrides[known] = lambda: None")
    assert removed.status == 1
    assert set(removed.evidence.values()) == {"OPEN"}
    assert removed.rules() == {"open-when-anonymous"}


GATES = '''
import base64, hashlib, hmac, json
from fastapi.security import HTTPBearer
from fastapi.responses import RedirectResponse

@app.get("/any-bearer", dependencies=[Depends(HTTPBearer())])
def any_bearer(): ...

class Item(BaseModel):
    name: str
    size: int

@app.post("/late")
def late(item: Item, request: Request):
    known(request)

@app.post("/late-form")
async def late_form(request: Request):
    if not await request.json():
        raise HTTPException(400)
    known(request)

@app.get("/broken-first")
def broken_first(request: Request):
    raise RuntimeError("no database")

def guest(request: Request):
    """Tokens with the secret that everybody has."""
    try:
        head, body, tag = request.headers["authorization"].removeprefix("Bearer ").split(".")
        assert json.loads(base64.urlsafe_b64decode(head + "=="))["alg"] == "HS256"
        wanted = hmac.new(b"lightrag-jwt-default-secret", f"{head}.{body}".encode(), hashlib.sha256)
        given = base64.urlsafe_b64decode(tag + "==")
        assert hmac.compare_digest(wanted.digest(), given)
    except (KeyError, ValueError, AssertionError):
        raise HTTPException(401) from None

@app.get("/default-secret", dependencies=[Depends(guest)])
def default_secret(): ...

def signed_in(request: Request):
    if "cookie" not in request.headers:
        raise HTTPException(303, headers={"location": "/login?next=/page"})
    known(request)

@app.get("/page", dependencies=[Depends(signed_in)])
def page(): ...

@app.get("/elsewhere")
def elsewhere():
    return RedirectResponse("/home")

@app.get("/slash/", dependencies=GATE)
def slash(): ...

def unset(request: Request, key: str | None = None):
    if request.headers.get("x-key") != str(key):
        raise HTTPException(401)

@app.get("/unset", dependencies=[Depends(unset)])
def nothing_set(): ...

@app.get("/stops")
def stops():
    raise SystemExit(3)
'''


def test_gates_of_all_kinds_are_told_apart(tmp_path: Path) -> None:
    scheme = '[[scheme]]\nkind = "header"\nname = "X-Key"\n[[scheme]]\nkind = "cookie"\nname = "session"'
    probed = probe(tmp_path, GATES, *identities(tmp_path, scheme))
    assert probed.evidence == {
        "GET /any-bearer": "OPEN",
        "POST /late": "DENIED",
        "POST /late-form": "UNRESOLVED",
        "GET /broken-first": "UNRESOLVED",
        "GET /default-secret": "OPEN",
        "GET /page": "DENIED",
        "GET /elsewhere": "UNRESOLVED",
        "GET /slash/": "DENIED",
        "GET /unset": "OPEN",
        "GET /stops": "UNRESOLVED",
    }
    assert probed.status == 1
    assert probed.rules("GET /any-bearer") == {"accepts-garbage"}
    assert probed.rules("POST /late") == {"denied-late"}
    assert probed.rules("GET /default-secret") == {"accepts-forged"}
    assert 'signed with the well-known secret "lightrag-jwt-default-secret"' in probed.messages
    assert probed.rules("GET /unset") == {"accepts-garbage"}
    assert "<the word None>" in probed.messages
    assert "500 (RuntimeError)" in probed.reason("GET /broken-first")
    assert "/home, which is no known sign-in page" in probed.reason("GET /elsewhere")
    assert "SystemExit" in probed.reason("GET /stops")


DISGUISES = """
@app.get("/health")
def health(): ...

@app.get("/keys/{name}")
def key(name: str): ...

@app.get("/fixed")
def fixed(): ...

@app.middleware("http")
async def gate(request: Request, call_next):
    %s
    if not public and request.headers.get("authorization") != "Bearer of-ada":
        return Response(status_code=401)
    return await call_next(request)
"""
PUBLIC = 'public = request.url.path == "/health" or '
HOLES = {
    "suffix": ('public = request.url.path.endswith("/health")', "path-confusion"),
    "prefix": ('public = request.url.path.startswith(("/health", "/keys/d"))', "path-confusion"),
    "contains": (f'{PUBLIC} "/health" in str(request.url)', "path-confusion"),
    # As Starlette before 1.0.1 made it: the Host header is part of the address that is taken apart again.
    "host": (
        """from urllib.parse import urlsplit
    host = request.headers["host"]
    public = urlsplit(f"http://{host}{request.scope['path']}").path == "/health" """,
        "trusts-host",
    ),
    "proxy": (f'{PUBLIC} "x-forwarded-user" in request.headers', "trusts-headers"),
    "method": (f'{PUBLIC} "x-http-method-override" in request.headers', "trusts-headers"),
}


@pytest.mark.parametrize("hole", HOLES)
def test_a_gate_that_is_passed_in_disguise_is_open(tmp_path: Path, hole: str) -> None:
    decision, rule = HOLES[hole]
    public = identities(tmp_path, "")
    (tmp_path / "pyproject.toml").write_text(
        '[[tool.sealgate.routes.public]]\nroute = "GET /health"\nreason = "load balancers ask"\n'
    )
    probed = probe(tmp_path, DISGUISES % decision, *public)
    assert probed.evidence["GET /health"] == "PUBLIC"
    assert probed.evidence["GET /keys/{name}"] == "OPEN"
    assert rule in probed.rules("GET /keys/{name}")


def test_middleware_that_decides_by_nothing_but_the_credential_is_denied(tmp_path: Path) -> None:
    probed = probe(tmp_path, DISGUISES % "public = False")
    assert set(probed.evidence.values()) == {"DENIED"}
    assert probed.status == 0


SOCKETS = """
@app.websocket("/open")
async def opened(socket: WebSocket):
    await socket.accept()
    await socket.receive_text()

@app.websocket("/shut")
async def shut(socket: WebSocket):
    if socket.headers.get("authorization") != "Bearer of-ada":
        await socket.close(1008)
        return
    await socket.accept()

@app.websocket("/late")
async def late(socket: WebSocket):
    await socket.accept()
    await socket.close(1008)

@app.websocket("/answered")
async def answered(socket: WebSocket):
    await socket.send_denial_response(Response(status_code=403))

@app.websocket("/broken")
async def broken(socket: WebSocket):
    raise RuntimeError

@app.websocket("/query")
async def query(socket: WebSocket, token: str = ""):
    if not token:
        await socket.close(4401)
        return
    await socket.accept()
"""


def test_websockets_are_denied_before_they_are_accepted(tmp_path: Path) -> None:
    probed = probe(tmp_path, SOCKETS)
    assert probed.evidence == {
        "WEBSOCKET /open": "OPEN",
        "WEBSOCKET /shut": "DENIED",
        "WEBSOCKET /late": "UNRESOLVED",
        "WEBSOCKET /answered": "DENIED",
        "WEBSOCKET /broken": "UNRESOLVED",
        "WEBSOCKET /query": "OPEN",
    }
    assert probed.rules("WEBSOCKET /open") == {"websocket-open"}
    assert probed.rules("WEBSOCKET /query") == {"accepts-garbage"}


PEOPLE = """
TOKENS = {f"t-{name}": "acme" for name in ("ada", "bob", "dan", "eve", "aud")} | {"t-tom": "other"}

def caller(request: Request) -> str:
    token = request.headers.get("authorization", "").removeprefix("Bearer ")
    if token not in TOKENS:
        raise HTTPException(401)
    return token

@app.get("/me")
def me(token: str = Depends(caller)): ...

@app.get("/admin")
def admin(token: str = Depends(caller)): ...

@app.get("/tenants/{tenant}")
def tenant(tenant: str, token: str = Depends(caller)): ...

@app.get("/hidden/{tenant}")
def hidden(tenant: str, token: str = Depends(caller)):
    if TOKENS[token] != tenant:
        raise HTTPException(404)
"""
FILE = """
[params]
tenant = "acme"

[[identity]]
name = "ada"
kind = "valid"
headers = { Authorization = "Bearer ${ADA_TOKEN}" }
"""


def person(name: str, kind: str, *routes: str) -> str:
    return (
        f'\n[[identity]]\nname = "{name}"\nkind = "{kind}"\nroutes = {list(routes)}\n'
        f'headers = {{ Authorization = "Bearer t-{name}" }}\n'
    )


def test_whoever_must_not_get_in_any_more_is_tried(tmp_path: Path) -> None:
    people = [
        person("bob", "revoked", "GET /me"),
        person("eve", "expired", "GET /me"),
        person("aud", "wrong-audience", "GET /me"),
        person("dan", "demoted", "/admin"),
        person("tom", "other-tenant", "/tenants/*", "/hidden/*"),
        person("nobody", "revoked"),
    ]
    file = identities(tmp_path, FILE + "".join(people))
    probed = probe(tmp_path, PEOPLE, *file, env=environment(ADA_TOKEN="t-ada"))
    assert probed.rules("GET /me") == {"accepts-revoked", "accepts-expired", "accepts-foreign"}
    assert probed.rules("GET /admin") == {"accepts-demoted"}
    assert probed.rules("GET /tenants/{tenant}") == {"crosses-tenants"}
    assert probed.evidence["GET /hidden/{tenant}"] == "DENIED"
    assert probed.reason("GET /hidden/{tenant}").endswith("and ada was answered 200")
    told = f"{probed.document}{probed.talk}"
    assert not any(f"t-{name}" in told for name in ("ada", "bob", "eve", "dan", "tom", "nobody"))


def test_a_positive_control_that_gets_in_nowhere_is_told(tmp_path: Path) -> None:
    file = identities(tmp_path, FILE)
    probed = probe(tmp_path, DENIED, *file, env=environment(ADA_TOKEN="outdated"))
    assert any("not shown that any route opens at all" in note for note in probed.notes)
    missing = probe(tmp_path, DENIED, *file)
    assert missing.status == 2
    assert missing.document["error"]["reason"] == "probe_variable_missing"


UNRULY = """
import asyncio, contextlib, os, sys, time
from fastapi.responses import StreamingResponse

@contextlib.asynccontextmanager
async def lifespan(app):
    print("printed at the start")
    app.state.ready = True
    yield {"told": "by the lifespan"}

app = FastAPI(openapi_url=None, lifespan=lifespan)

@app.get("/started")
def started(request: Request):
    print("printed", flush=True)
    sys.__stdout__.write("written\\n")
    os.write(1, b"more\\n")
    ready = request.app.state.ready and request.state.told == "by the lifespan"
    raise HTTPException(401 if ready else 500)

@app.get("/slow")
async def slow():
    await asyncio.sleep(60)

@app.get("/stream")
async def stream():
    async def forever():
        while True:
            yield b"x"
            await asyncio.sleep(0.01)
    return StreamingResponse(forever())

@app.get("/gone")
async def gone():
    os._exit(7)
"""


def test_an_unruly_application_is_asked_to_the_end(tmp_path: Path) -> None:
    probed = probe(tmp_path, UNRULY, "--timeout", "1")
    assert probed.evidence == {
        "GET /started": "DENIED",
        "GET /slow": "UNRESOLVED",
        "GET /stream": "OPEN",
        "GET /gone": "UNRESOLVED",
    }
    assert "no answer within 1 s" in probed.reason("GET /slow")
    assert "ended while it was asked" in probed.reason("GET /gone")


def test_what_may_change_something_can_be_left_unsent(tmp_path: Path) -> None:
    source = DENIED + "\n@app.delete('/all')\ndef delete_all():\n    open('deleted', 'w').close()\n"
    probed = probe(tmp_path, source, "--safe-only")
    assert probed.evidence["GET /gated"] == "DENIED"
    assert probed.evidence["DELETE /all"] == "UNRESOLVED"
    assert "leave for that was not given" in probed.reason("DELETE /all")
    assert probed.status == 0
    assert any(note.startswith("2 requests that may change something") for note in probed.notes)
    assert not (tmp_path / "deleted").exists()
    probe(tmp_path, source)
    assert (tmp_path / "deleted").exists()


STARTLESS = """
def lifespan(app):
    raise RuntimeError("no database")
    yield

app = FastAPI(lifespan=__import__("contextlib").asynccontextmanager(lifespan))
"""


def test_what_cannot_be_asked_is_told(tmp_path: Path) -> None:
    written(tmp_path, "raise RuntimeError('no settings')")
    python = ("--python", sys.executable)
    for target, reason in (
        ("main:app", "routes_import_failed"),
        ("nothing:app", "routes_target_missing"),
    ):
        refused = run(tmp_path, target, *python)
        assert (refused.status, refused.document["error"]["reason"]) == (2, reason)
    written(tmp_path, STARTLESS)
    refused = run(tmp_path, "main:app", *python)
    assert (refused.status, refused.document["error"]["reason"]) == (2, "routes_start_failed")
    written(tmp_path, "app = FastAPI(openapi_url=None)")
    refused = run(tmp_path, "main:app", *python)
    assert (refused.status, refused.document["error"]["reason"]) == (2, "routes_none_found")
