//! Methods of classes as endpoints.

use super::scan;

#[test]
fn a_class_based_view_gives_its_dependencies_to_its_methods() {
    insta::assert_snapshot!(scan(&[(
        "main.py",
        r#"
from fastapi import APIRouter, Depends, FastAPI
from fastapi_utils.cbv import cbv

router = APIRouter()

def user(): ...
def session(): ...

class Base:
    session: object = Depends(session)

@cbv(router)
class Items(Base):
    user: object = Depends(user)

    @router.get("/items")
    def all(self): ...

    @router.post("/items")
    def add(self): ...

app = FastAPI()
app.include_router(router)
"#
    )]));
}

#[test]
fn a_controller_of_ones_own_gives_its_dependencies_too() {
    insta::assert_snapshot!(scan(&[
        ("web/__init__.py", ""),
        (
            "web/controller.py",
            r"
import inspect
from fastapi import APIRouter
from fastapi.routing import APIRoute

def controller(router: APIRouter, *urls: str):
    def decorator(cls):
        return _cbv(router, cls, *urls)
    return decorator

def _cbv(router, cls, *urls):
    _register_endpoints(router, cls, *urls)
    return cls

def _register_endpoints(router, cls, *urls):
    cbv_router = APIRouter()
    functions = inspect.getmembers(cls, inspect.isfunction)
    functions_set = {func for _, func in functions}
    def sort_key(route): return route.path
    routes = [route for route in router.routes if isinstance(route, APIRoute) and route.endpoint in functions_set]
    prefix_length = len(router.prefix)
    for route in routes:
        router.routes.remove(route)
        route.path = route.path[prefix_length:]
        cbv_router.routes.append(route)
    router.include_router(cbv_router)
"
        ),
        (
            "web/main.py",
            r#"
from fastapi import APIRouter, Depends, FastAPI
from .controller import controller

router = APIRouter(prefix="/recipes")

def user(): ...

@controller(router)
class Recipes:
    user: object = Depends(user)

    @router.get("/{slug}")
    def one(self, slug): ...

app = FastAPI()
app.include_router(router, prefix="/api")
"#
        ),
    ]));
}

#[test]
fn methods_of_an_object_are_endpoints() {
    insta::assert_snapshot!(scan(&[(
        "main.py",
        r#"
from functools import partial
from classy_fastapi import Routable, get, post
from fastapi import APIRouter, FastAPI

class Server:
    def __init__(self):
        self.app = FastAPI()
        self.router = APIRouter()
        self.router.add_api_route("/x", self.x, methods=["GET"])
        self.app.include_router(self.router, prefix="/s")
        self.app.add_api_route("/p", partial(self.x, 1))
        self.app.get("/called")(self.x)

    def x(self): ...

class Items(Routable):
    @get("/items")
    def all(self): ...

    @post("/items")
    def add(self): ...

server = Server()
server.app.include_router(Items().router, prefix="/c")
"#
    )]));
}
