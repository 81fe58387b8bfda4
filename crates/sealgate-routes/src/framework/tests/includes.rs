//! Routers, prefixes, dependencies, and the order of things.

use super::scan;

#[test]
fn routes_of_an_application_are_found_with_their_methods() {
    insta::assert_snapshot!(scan(&[(
        "main.py",
        r#"
from fastapi import FastAPI

app = FastAPI()

@app.get("/items/{id}")
def read(id: int): ...

@app.post("/items")
@app.put("/items")
def write(): ...

@app.api_route("/any", methods=["get", "POST"])
def both(): ...

@app.route("/plain")
def plain(request): ...

@app.websocket("/ws")
async def socket(ws): ...

def added(): ...
app.add_api_route("/added", added, methods=["DELETE"])
app.add_route("/raw", added, methods=["PUT"])
app.add_api_websocket_route("/ws2", socket)
app.add_websocket_route("/ws3", socket)
"#
    )]));
}

#[test]
fn dependencies_come_from_application_include_router_and_route() {
    insta::assert_snapshot!(scan(&[
        ("app/__init__.py", ""),
        (
            "app/auth.py",
            "def user(): ...\ndef admin(): ...\ndef limit(): ...\ndef trace(): ...\n"
        ),
        (
            "app/users.py",
            r#"
from fastapi import APIRouter, Depends
from .auth import admin, user

router = APIRouter(prefix="/users", dependencies=[Depends(user)])

@router.get("")
def all(): ...

@router.delete("/{id}", dependencies=[Depends(admin)])
def remove(id): ...

router.dependencies.append(Depends(admin))

@router.websocket("/feed")
async def feed(ws): ...

@router.route("/raw")
def raw(request): ...
"#
        ),
        (
            "app/main.py",
            r#"
from fastapi import Depends, FastAPI
from .auth import limit, trace
from . import users

app = FastAPI(dependencies=[Depends(trace)])
app.include_router(users.router, prefix="/v1", dependencies=[Depends(limit)])
app.include_router(users.router, prefix="/v2")

@app.get("/health")
def health(): ...
"#
        ),
    ]));
}

#[test]
fn a_route_added_after_the_include_is_late() {
    insta::assert_snapshot!(scan(&[(
        "main.py",
        r#"
from fastapi import APIRouter, FastAPI

app = FastAPI()
inner = APIRouter()
outer = APIRouter(prefix="/o")
outer.include_router(inner, prefix="/i")

@inner.get("/in-time-for-the-outer-router-only")
def a(): ...

app.include_router(outer)

@inner.get("/late")
def b(): ...
"#
    )]));
}

#[test]
fn includes_in_circles_end() {
    insta::assert_snapshot!(scan(&[(
        "main.py",
        r#"
from fastapi import APIRouter, FastAPI

app = FastAPI()
one = APIRouter(prefix="/one")
two = APIRouter(prefix="/two")
one.include_router(two)
two.include_router(one)
app.include_router(one)

@two.get("/x")
def x(): ...
"#
    )]));
}

#[test]
fn what_is_not_in_the_source_is_unresolved_and_not_dropped() {
    insta::assert_snapshot!(scan(&[(
        "main.py",
        r#"
import os
from fastapi import FastAPI
from elsewhere import router, handler
from strawberry.fastapi import GraphQLRouter
from .settings import settings

app = FastAPI()
app.include_router(router, prefix="/e")
app.include_router(GraphQLRouter(schema), prefix="/graphql")
app.add_api_route("/lib", handler)
app.add_api_route(os.environ["X_PATH"], handler)

@app.get(f"{settings.PREFIX}/partly")
def partly(): ...
"#
    )]));
}

#[test]
fn a_method_by_a_name_that_is_not_known_adds_a_route_all_the_same() {
    insta::assert_snapshot!(scan(&[(
        "main.py",
        r#"
import json
from fastapi import Depends, FastAPI

def user(): ...
def handler(): ...

app = FastAPI()
with open("endpoints.json") as file:
    config = json.load(file)
for endpoint in config["endpoints"]:
    path = endpoint["path"]
    method = getattr(app, endpoint["method"].lower())
    method(f"/v1{path}", dependencies=[Depends(user)])(handler)
    method(path)(handler)
"#
    )]));
}

#[test]
fn routes_of_a_known_library_are_named_and_unresolved() {
    insta::assert_snapshot!(scan(&[(
        "main.py",
        r#"
from fastapi import FastAPI
from fastapi_users import FastAPIUsers

users = FastAPIUsers[User, int](get_manager, [backend])
app = FastAPI()
app.include_router(users.get_auth_router(backend), prefix="/auth")
app.include_router(users.get_users_router(Read, Update), prefix="/users")
"#
    )]));
}

#[test]
fn a_list_of_dependencies_that_may_be_empty_is_no_sure_dependency() {
    insta::assert_snapshot!(scan(&[(
        "main.py",
        r#"
import os
from fastapi import APIRouter, Depends, FastAPI

def user(): ...

AUTH = os.environ.get("AUTH")
GUARDS = [Depends(user)] if AUTH else []
app = FastAPI()
router = APIRouter(dependencies=GUARDS)

@router.get("/maybe")
def maybe(): ...

app.include_router(router)
if AUTH:
    app.include_router(router, prefix="/sure", dependencies=[Depends(user)])
"#
    )]));
}

#[test]
fn documentation_is_where_the_application_puts_it() {
    insta::assert_snapshot!(super::scan_text(&[
        ("a.py", "from fastapi import FastAPI\napp = FastAPI()\n"),
        (
            "b.py",
            "from fastapi import FastAPI\napp = FastAPI(docs_url=None, redoc_url='/r')\n"
        ),
        (
            "c.py",
            "from fastapi import FastAPI\napp = FastAPI(openapi_url=None)\n"
        ),
        (
            "d.py",
            "import os\nfrom fastapi import FastAPI\napp = FastAPI(docs_url=os.getenv('DOCS'), redoc_url=None)\n"
        ),
    ]));
}
