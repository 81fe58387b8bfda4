//! Which applications there are, and what they are called.

use super::scan;

#[test]
fn applications_are_named_by_their_module_or_their_factory() {
    insta::assert_snapshot!(scan(&[
        (
            "main.py",
            "from fastapi import FastAPI\napp = FastAPI()\n@app.get('/m')\ndef m(): ...\n"
        ),
        (
            "factory.py",
            r#"
from fastapi import FastAPI

def create_app(prefix):
    app = FastAPI()
    @app.get(f"{prefix}/f")
    def f(): ...
    return app
"#
        ),
        (
            "server.py",
            r#"
from fastapi import FastAPI

class Server:
    def __init__(self):
        self.app = FastAPI()
        self.app.add_api_route("/s", self.s)

    def s(self): ...
"#
        ),
    ]));
}

#[test]
fn a_factory_that_is_called_twice_makes_one_application() {
    insta::assert_snapshot!(scan(&[
        (
            "factory.py",
            r#"
from fastapi import FastAPI

def create_app(debug, extra=None):
    app = FastAPI()
    @app.get("/f")
    def f(): ...
    if extra:
        app.add_api_route(extra, f)
    return app

def main(args):
    return create_app(args.debug, "/extra")

if __name__ == "__main__":
    main(parse())
"#
        ),
        (
            "one.py",
            "from factory import create_app\nimport fastapi\napp = create_app(True)\n"
        ),
    ]));
}

#[test]
fn an_application_that_is_made_in_one_of_two_ways_is_one() {
    insta::assert_snapshot!(super::scan_text(&[(
        "main.py",
        r#"
from fastapi import FastAPI
from settings import DEBUG

if DEBUG:
    app = FastAPI(title="debug")
else:
    app = FastAPI(docs_url=None)

@app.get("/x")
def x(): ...
"#
    )]));
}

#[test]
fn a_router_that_no_application_leads_to_is_an_orphan() {
    insta::assert_snapshot!(scan(&[
        ("main.py", "from fastapi import FastAPI\napp = FastAPI()\n"),
        (
            "users.py",
            r#"
from fastapi import APIRouter

router = APIRouter(prefix="/users")
outer = APIRouter(prefix="/outer")
outer.include_router(router)
empty = APIRouter()

@router.get("/")
def all(): ...
"#
        ),
    ]));
}
