use super::scan;

const TOP: &str = r#"
from typing import Annotated
from fastapi import Depends, FastAPI, Header, HTTPException, Request, Security, status
from fastapi.responses import JSONResponse
from fastapi.security import HTTPBearer, OAuth2PasswordBearer, SecurityScopes
app = FastAPI()
scheme = OAuth2PasswordBearer(tokenUrl="token")
def db(): ...
"#;

fn routes(source: &str) -> String {
    scan(&format!("{TOP}{source}"))
}

#[test]
fn a_dependency_that_raises_401_is_a_gate_whatever_it_is_called() {
    let found = routes(
        r#"
def anything(request: Request):
    token = request.headers.get("authorization")
    if token != KEY:
        raise HTTPException(status_code=status.HTTP_401_UNAUTHORIZED)
    return token

@app.get("/closed")
def closed(x=Depends(anything)): ...

def get_current_user(): return {"name": "x"}

@app.get("/open")
def open_(user=Depends(get_current_user)): ...
"#,
    );
    assert!(
        found.contains("GET /closed: GATED-STATIC [main:anything Dependency]"),
        "{found}"
    );
    assert!(found.contains("GET /open: OPEN"), "{found}");
}

#[test]
fn one_who_brings_nothing_and_passes_passes() {
    let found = routes(
        r#"
def maybe(x_token: str | None = Header(None)):
    if x_token is None:
        return None
    if x_token != KEY:
        raise HTTPException(401)
    return x_token

@app.get("/a")
def a(user=Depends(maybe)): ...

def also(x_token: str | None = Header(None)):
    if x_token and x_token != KEY:
        raise HTTPException(403)

@app.get("/b")
def b(user=Depends(also)): ...
"#,
    );
    assert!(found.contains("GET /a: OPEN"), "{found}");
    assert!(found.contains("GET /b: OPEN"), "{found}");
}

#[test]
fn a_scheme_by_itself_is_no_gate() {
    let found = routes(
        r#"
@app.get("/a", dependencies=[Depends(scheme)])
def a(): ...

@app.get("/b")
def b(token=Depends(HTTPBearer(auto_error=False))): ...
"#,
    );
    assert!(
        found.contains("GET /a: OPEN") && found.contains("!SchemeOnly"),
        "{found}"
    );
    assert!(
        found.contains("GET /b: OPEN") && found.contains("!AutoErrorFalse"),
        "{found}"
    );
}

#[test]
fn a_denial_that_is_caught_is_none() {
    let found = routes(
        r#"
def swallowed(token=Depends(scheme)):
    try:
        if token != KEY:
            raise HTTPException(401)
    except Exception:
        pass

@app.get("/a")
def a(user=Depends(swallowed)): ...

def kept(token=Depends(scheme)):
    try:
        if token != KEY:
            raise HTTPException(401)
    except HTTPException:
        raise
    except Exception:
        pass

@app.get("/b")
def b(user=Depends(kept)): ...
"#,
    );
    assert!(
        found.contains("GET /a: OPEN") && found.contains("!SwallowedDenial"),
        "{found}"
    );
    assert!(found.contains("GET /b: GATED-STATIC"), "{found}");
}

#[test]
fn what_comes_after_a_yield_denies_nobody() {
    let found = routes(
        r#"
def late(token=Depends(scheme)):
    yield token
    raise HTTPException(401)

@app.get("/a")
def a(user=Depends(late)): ...
"#,
    );
    assert!(found.contains("GET /a: OPEN"), "{found}");
}

#[test]
fn a_403_that_asks_nothing_of_the_caller_is_no_gate() {
    let found = routes(
        r#"
def feature():
    if not settings.enabled:
        raise HTTPException(403)

@app.get("/a")
def a(f=Depends(feature)): ...
"#,
    );
    assert!(found.contains("GET /a: OPEN"), "{found}");
}

#[test]
fn roles_come_from_what_is_compared_and_from_factories() {
    let found = routes(
        r#"
def user(token=Depends(scheme)):
    if not verify(token):
        raise HTTPException(401)
    return find(token)

def admin(u=Depends(user)):
    if u.role != "admin":
        raise HTTPException(403)
    return u

def need(*, role):
    def inner(u=Depends(user)):
        if role not in u.roles:
            raise HTTPException(403)
    return inner

def active(u=Depends(user)):
    if u.disabled:
        raise HTTPException(403)

@app.get("/a")
def a(u=Depends(admin)): ...
@app.get("/b", dependencies=[Depends(need(role="owner"))])
def b(): ...
@app.get("/c")
def c(u: Annotated[dict, Depends(active)]): ...
"#,
    );
    assert!(
        found.contains("[main:admin Dependency privileged roles=admin]"),
        "{found}"
    );
    assert!(found.contains("Route privileged roles=owner]"), "{found}");
    assert!(found.contains("[main:active Dependency]"), "{found}");
}

#[test]
fn a_factory_with_a_branch_that_does_nothing_is_unresolved() {
    let found = routes(
        r#"
def make():
    if settings.jwt:
        def check(token=Depends(scheme)):
            if token != KEY:
                raise HTTPException(401)
        return check
    return lambda: None

@app.get("/a")
def a(u=Depends(make())): ...
"#,
    );
    assert!(found.contains("GET /a: UNRESOLVED"), "{found}");
    assert!(found.contains("!NoOpBranch"), "{found}");
}

#[test]
fn a_check_in_the_handler_is_seen_where_it_comes_first() {
    let found = routes(
        r#"
async def check(request):
    if request.headers.get("x-key") != KEY:
        raise HTTPException(401)

@app.get("/a")
async def a(request: Request):
    await check(request)
    return 1

@app.get("/b")
async def b(request: Request):
    delete_everything()
    await check(request)

@app.get("/c")
async def c(request: Request):
    check(request)
    return 1

@app.get("/d")
async def d(request: Request):
    if request.headers.get("x-key") != KEY:
        raise HTTPException(401)
"#,
    );
    // It is seen, and stays for a reviewer until the check is named.
    assert!(
        found.contains("GET /a: UNRESOLVED [main:check Handler]"),
        "{found}"
    );
    assert!(
        found.contains("GET /b: UNRESOLVED (a check in the handler"),
        "{found}"
    );
    assert!(
        found.contains("GET /c: OPEN") && found.contains("!UnawaitedCall check(request)"),
        "{found}"
    );
    assert!(
        found.contains("GET /d: UNRESOLVED [main:d Handler]"),
        "{found}"
    );
}

#[test]
fn a_middleware_covers_what_its_paths_say() {
    let found = routes(
        r#"
PUBLIC = {"/health"}

@app.middleware("http")
async def guard(request, call_next):
    if request.url.path in PUBLIC or request.url.path.endswith("ready"):
        return await call_next(request)
    if request.headers.get("x-key") != KEY:
        return JSONResponse({}, status_code=401)
    return await call_next(request)

@app.get("/health")
def health(): ...
@app.get("/items")
def items(): ...
@app.get("/names/{name}")
def name(name: str): ...
@app.websocket("/ws")
async def ws(websocket): ...
"#,
    );
    assert!(found.contains("GET /health: OPEN"), "{found}");
    assert!(
        found.contains("GET /items: GATED-STATIC [main:guard Middleware]"),
        "{found}"
    );
    assert!(
        found.contains("GET /names/{name}: UNRESOLVED (a middleware decides by"),
        "{found}"
    );
    assert!(found.contains(" /ws: OPEN"), "{found}");
}

#[test]
fn sealgates_own_marks_are_known() {
    let found = routes(
        r#"
from sealgate import Gate
gate = Gate.from_env()
gate.install(app)

@app.get("/a", dependencies=[Depends(gate.user(roles=["admin"]))])
def a(): ...
@app.get("/b", dependencies=[gate.public("all may")])
def b(): ...
@app.get("/c")
def c(): ...
@app.get("/d")
def d(x=Depends(gate.user | gate.machine)): ...
"#,
    );
    assert!(
        found.contains("GET /a: GATED-STATIC [sealgate:Gate.user Route privileged roles=admin]"),
        "{found}"
    );
    assert!(found.contains("GET /b: PUBLIC (all may)"), "{found}");
    assert!(
        found.contains("GET /c: GATED-STATIC [sealgate:Gate Layer]"),
        "{found}"
    );
    assert!(
        found.contains("GET /d: GATED-STATIC [sealgate:Gate.actor Dependency]"),
        "{found}"
    );
}
