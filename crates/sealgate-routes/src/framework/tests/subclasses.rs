//! Classes of the tree that inherit from FastAPI's.

use super::scan;

#[test]
fn a_router_that_overrides_add_api_route_is_asked() {
    insta::assert_snapshot!(scan(&[(
        "main.py",
        r#"
from fastapi import APIRouter, FastAPI

class Slashes(APIRouter):
    def add_api_route(self, path, *args, **kwargs):
        kwargs["include_in_schema"] = not path.endswith("/")
        super().add_api_route(path, *args, **kwargs)
        if path.endswith("/"):
            path = path[:-1]
        else:
            path = path + "/"
        super().add_api_route(path, *args, **kwargs)

router = Slashes(prefix="/api")

@router.get("/x")
def x(): ...

def y(): ...
router.add_api_route("/y/", y, methods=["POST"])

app = FastAPI()
app.include_router(router)
"#
    )]));
}

#[test]
fn a_router_that_overrides_api_route_is_asked() {
    insta::assert_snapshot!(scan(&[(
        "main.py",
        r#"
from fastapi import APIRouter, Depends, FastAPI

def user(): ...

class Named(APIRouter):
    def api_route(self, path, operation_id=None, **kwargs):
        def decorator(func):
            self.add_api_route(path, func, operation_id=operation_id or func.__name__, **kwargs)
            return func
        return decorator

class Guarded(APIRouter):
    def __init__(self, *args, **kwargs):
        kwargs.setdefault("dependencies", [Depends(user)])
        super().__init__(*args, **kwargs)

class Both(FastAPI):
    def include_router(self, router, **kwargs):
        super().include_router(router, prefix="/v1", **kwargs)

named = Named(prefix="/n")
guarded = Guarded(prefix="/g")

@named.delete("/x", dependencies=[Depends(user)])
def x(): ...

@guarded.get("/y")
def y(): ...

app = Both(openapi_url=None)
app.include_router(named)
app.include_router(guarded)
"#
    )]));
}

#[test]
fn routes_of_a_class_of_ones_own_are_marked() {
    insta::assert_snapshot!(scan(&[(
        "main.py",
        r#"
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute

class Logged(APIRoute):
    def get_route_handler(self): ...

app = FastAPI()
router = APIRouter(route_class=Logged)

@router.get("/x")
def x(): ...

app.include_router(router)
app.router.route_class = Logged

@app.get("/y")
def y(): ...
"#
    )]));
}
