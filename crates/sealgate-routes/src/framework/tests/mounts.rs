//! Mounted applications, files, middleware, and what reaches where.

use super::scan;

#[test]
fn dependencies_do_not_reach_into_a_mount_and_middleware_does() {
    insta::assert_snapshot!(scan(&[(
        "main.py",
        r#"
from fastapi import Depends, FastAPI
from fastapi.staticfiles import StaticFiles
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.cors import CORSMiddleware
from elsewhere import mcp

def user(): ...
def trace(): ...

class Guard(BaseHTTPMiddleware):
    async def dispatch(self, request, call_next): ...

app = FastAPI(dependencies=[Depends(user)])
app.add_middleware(Guard)
app.add_middleware(CORSMiddleware, allow_origins=["*"])

@app.middleware("http")
async def timing(request, call_next): ...

sub = FastAPI(dependencies=[Depends(trace)])

@sub.get("/x")
def x(): ...

@app.get("/own")
def own(): ...

app.mount("/sub/", sub)
app.mount("/files", StaticFiles(directory="files"))
app.mount("/mcp", mcp.http_app())
app.frontend("/", directory="dist")

@app.get("/after")
def after(): ...
"#
    )]));
}

#[test]
fn a_middleware_around_a_mounted_application_is_seen() {
    insta::assert_snapshot!(scan(&[(
        "main.py",
        r#"
from fastapi import FastAPI
from starlette.middleware.authentication import AuthenticationMiddleware

class Guard:
    def __init__(self, app, key):
        self.app = app
        self.key = key
    async def __call__(self, scope, receive, send):
        await self.app(scope, receive, send)

app = FastAPI()
inner = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

@inner.get("/x")
def x(): ...

app.mount("/a", Guard(inner, "k"))
app.mount("/b", AuthenticationMiddleware(inner, backend=None))
"#
    )]));
}

#[test]
fn middleware_that_may_not_be_there_says_so() {
    insta::assert_snapshot!(scan(&[(
        "main.py",
        r#"
import os
from fastapi import FastAPI

class Guard:
    def __init__(self, app): ...

def create():
    app = FastAPI()
    if os.getenv("AUTH"):
        app.add_middleware(Guard)

    @app.get("/x")
    def x(): ...

    return app

app = create()
"#
    )]));
}

#[test]
fn sealgates_own_gate_is_recorded() {
    let files = [(
        "main.py",
        r#"
from fastapi import FastAPI
from sealgate import Gate

gate = Gate.from_env()
app = FastAPI()
gate.install(app)
gate.public_path("/static/*", "assets")
"#,
    )];
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("main.py"), files[0].1).unwrap();
    let sources = crate::source::Sources::find(folder.path(), &[], &|_| {}).unwrap();
    let mut interpreter = crate::evaluate::Interpreter::new(&sources);
    interpreter.run();
    let app = super::applications(&mut interpreter).remove(0);
    let made = app.object.framework.borrow().clone().unwrap();
    let gate = made.router().unwrap().sealgate.borrow().clone();
    assert!(
        matches!(gate, Some(crate::evaluate::value::Value::Made(made)) if &*made.callee == "sealgate.Gate.from_env")
    );
    let opened = super::super::public_paths(&interpreter);
    assert_eq!(opened.len(), 1);
    assert_eq!(opened[0].path.as_str(), Some("/static/*"));
    assert_eq!(opened[0].reason.as_str(), Some("assets"));
}
