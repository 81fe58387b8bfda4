//! Routes of applications that the source does not make.

use super::scan;

#[test]
fn a_function_that_is_handed_an_application_by_nobody_shows_its_routes() {
    insta::assert_snapshot!(scan(&[(
        "plugin.py",
        r#"
from fastapi import APIRouter, Depends, FastAPI

def user(): ...

inner = APIRouter()

@inner.get("/inner")
def a(): ...

def register(app: FastAPI):
    @app.get("/annotated", dependencies=[Depends(user)])
    def b(): ...

def setup(app):
    app.include_router(inner, prefix="/plugin")

class Plugin:
    def attach(self, router: APIRouter):
        router.add_api_route("/method", self.c)

    def c(self): ...
"#
    )]));
}

#[test]
fn what_an_application_gets_before_it_serves_is_its_own() {
    insta::assert_snapshot!(scan(&[(
        "main.py",
        r#"
from contextlib import asynccontextmanager
from fastapi import APIRouter, FastAPI

late = APIRouter()

@late.get("/late")
def a(): ...

@asynccontextmanager
async def lifespan(instance):
    instance.include_router(late, prefix="/plugin")
    yield

app = FastAPI(lifespan=lifespan)

@app.on_event("startup")
async def startup():
    app.include_router(late, prefix="/startup")
"#
    )]));
}

#[test]
fn a_route_of_an_application_that_a_library_makes_is_kept() {
    insta::assert_snapshot!(scan(&[(
        "main.py",
        r#"
from elsewhere import make_app
from fastapi import Depends
from flask import Flask

app = make_app()
flask = Flask(__name__)

@app.get("/kept")
def a(): ...

@app.websocket("/socket")
async def b(ws): ...

@flask.route("/other")
@flask.get("/another")
def c(): ...
"#
    )]));
}
