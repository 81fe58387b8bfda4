//! Lists of routes, and what a loop makes of them.

use super::scan;

#[test]
fn starlette_applications_are_lists_of_routes() {
    insta::assert_snapshot!(scan(&[(
        "main.py",
        r#"
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.middleware import Middleware
from starlette.routing import Host, Mount, Route, Router, WebSocketRoute
from starlette.staticfiles import StaticFiles

class Gate: ...

def home(request): ...
async def socket(ws): ...

class Items(HTTPEndpoint):
    def get(self, request): ...
    def post(self, request): ...

class Asgi:
    async def __call__(self, scope, receive, send): ...

inner = [Route("/deep", home), Route("/instance", Asgi())]
app = Starlette(
    routes=[
        Route("/", home),
        Route("/write", home, methods=["POST"]),
        Route("/items", Items),
        WebSocketRoute("/ws", socket),
        Mount("/inner/", routes=inner, middleware=[Middleware(Gate)]),
        Mount("/static", app=StaticFiles(directory="s"), name="static"),
        Host("api.example.org", Router([Route("/on-host", home)])),
    ],
    middleware=[Middleware(Gate)],
)
"#
    )]));
}

#[test]
fn lists_of_routes_may_be_changed_by_hand() {
    insta::assert_snapshot!(scan(&[(
        "main.py",
        r#"
from fastapi import APIRouter, Depends, FastAPI
from fastapi.routing import APIRoute
from starlette.routing import Route
from elsewhere import more, other

def user(): ...
def a(): ...

app = FastAPI(dependencies=[Depends(user)])
app.routes.append(Route("/a", a))
app.router.routes.append(APIRoute("/b", a, dependencies=[Depends(user)]))
app.router.routes.extend([Route("/c", a), Route("/d", a)])
app.routes.insert(0, Route("/first", a))
app.routes.append(other)
app.routes.extend(more)
"#
    )]));
}

#[test]
fn loops_over_lists_include_each_router() {
    insta::assert_snapshot!(scan(&[(
        "main.py",
        r#"
from fastapi import APIRouter, FastAPI

one = APIRouter()
two = APIRouter()

@one.get("/one")
def a(): ...

@two.get("/two")
def b(): ...

app = FastAPI()
for prefix, router in [("/x", one), ("/y", two)]:
    app.include_router(router, prefix=prefix)

for name in ("red", "green"):
    app.add_api_route(f"/{name}", a, methods=["GET"])
"#
    )]));
}
