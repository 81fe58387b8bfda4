//! Ways of putting applications together that real ones use.

use super::scan;

#[test]
fn a_factory_that_main_calls_with_its_own_arguments_is_run_with_them_too() {
    let text = scan(&[(
        "main.py",
        r#"
from fastapi import FastAPI

def create_app(extra=None):
    app = FastAPI()
    @app.get("/always")
    def always(): ...
    if extra is not None:
        app.add_api_route(extra, always)
    return app

def main():
    create_app(extra="/x")
"#,
    )]);
    assert_eq!(
        text,
        r#"main:create_app()
  GET "/always" main:create_app.<locals>.always
  GET "/x" main:create_app.<locals>.always"#
    );
}

#[test]
fn the_beginning_of_a_path_may_be_known_from_another_call() {
    let text = scan(&[(
        "main.py",
        r#"
from fastapi import FastAPI

def create_app(base):
    app = FastAPI()
    @app.get(base + "/a")
    def a(): ...
    return app

def main():
    create_app("/api")
"#,
    )]);
    assert_eq!(
        text,
        "main:create_app()\n  GET \"/api/a\" main:create_app.<locals>.a"
    );
}

#[test]
fn an_asgi_class_around_an_application_is_its_middleware() {
    let text = scan(&[(
        "main.py",
        r#"
from fastapi import FastAPI

class Guard:
    def __init__(self, inner): self.inner = inner
    async def __call__(self, scope, receive, send): ...

class Admin:
    def __init__(self, app): self.app = app

app = FastAPI()
@app.get("/a")
def a(): ...
asgi = Guard(app)

again = FastAPI()
@again.get("/b")
def b(): ...
again = Guard(again)

plain = FastAPI()
@plain.get("/c")
def c(): ...
admin = Admin(plain)

def create():
    app = FastAPI()
    @app.get("/d")
    def d(): ...
    return Guard(app)
"#,
    )]);
    assert_eq!(
        text,
        r#"main:asgi
  GET "/a" main:a middleware(main:Guard)
main:again
  GET "/b" main:b middleware(main:Guard)
main:plain
  GET "/c" main:c
main:create()
  GET "/d" main:create.<locals>.d middleware(main:Guard)"#
    );
}

#[test]
fn middleware_of_a_list_that_is_only_there_sometimes_has_its_condition() {
    let text = scan(&[(
        "main.py",
        r#"
import os
from fastapi import FastAPI
from starlette.middleware import Middleware

class Guard: ...
class Log: ...

listed = [Middleware(Log)]
if os.environ.get("GUARD"):
    listed.append(Middleware(Guard))
app = FastAPI(middleware=listed)
@app.get("/a")
def a(): ...

other = FastAPI(middleware=[Middleware(Guard)] if os.environ.get("GUARD") else [])
@other.get("/b")
def b(): ...
"#,
    )]);
    assert_eq!(
        text,
        r#"main:app
  GET "/a" main:a middleware(main:Log) middleware?(main:Guard)
main:other
  GET "/b" main:b middleware?(main:Guard)"#
    );
}

#[test]
fn the_base_class_of_middleware_with_a_function_is_that_function() {
    let text = scan(&[(
        "main.py",
        r#"
from fastapi import FastAPI
from starlette.middleware.base import BaseHTTPMiddleware

async def check(request, call_next): ...

app = FastAPI()
app.add_middleware(BaseHTTPMiddleware, dispatch=check)
@app.get("/a")
def a(): ...
"#,
    )]);
    assert_eq!(text, "main:app\n  GET \"/a\" main:a middleware(main:check)");
}

#[test]
fn what_both_branches_include_is_one_route() {
    let text = scan(&[(
        "main.py",
        r#"
import os
from fastapi import APIRouter, FastAPI

router = APIRouter()
@router.get("/a")
def a(): ...

app = FastAPI()
if os.environ.get("METRICS"):
    app.include_router(router)
else:
    app.include_router(router)
"#,
    )]);
    assert_eq!(text.matches("GET").count(), 1, "{text}");
}

#[test]
fn a_wrapper_around_one_of_several_is_one_of_several() {
    let text = scan(&[(
        "main.py",
        r#"
import os
from functools import wraps
from fastapi import Depends, FastAPI

def nobody(): ...
def somebody(): ...

def provider():
    if os.environ.get("OPEN"):
        return nobody
    return somebody

def wrapped(inner):
    @wraps(inner)
    def outer(*args, **options):
        return inner(*args, **options)
    return outer

app = FastAPI()
@app.get("/a", dependencies=[Depends(wrapped(provider()))])
def a(): ...
"#,
    )]);
    assert!(text.contains("main:nobody"), "{text}");
}

#[test]
fn routers_of_modules_that_a_package_is_searched_for_are_included() {
    let router =
        "from fastapi import APIRouter\nrouter = APIRouter()\n@router.get('/r')\ndef r(): ...\n";
    let text = scan(&[
        (
            "main.py",
            r#"
import importlib
import pkgutil
from fastapi import FastAPI
import parts

app = FastAPI()
for info in pkgutil.walk_packages(parts.__path__, parts.__name__ + "."):
    module = importlib.import_module(info.name)
    app.include_router(module.router, prefix=f"/{info.name}")
"#,
        ),
        ("parts/__init__.py", ""),
        ("parts/a.py", router),
        ("parts/b.py", router),
    ]);
    assert_eq!(
        text,
        "main:app\n  GET \"/parts.a/r\" parts.a:r\n  GET \"/parts.b/r\" parts.b:r"
    );
}
