//! A scan never fails on what it reads, and never loses a route: programs are put together at random from pieces
//! whose routes are known, and then torn apart again.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::fmt::Write as _;
use std::fs;

use proptest::prelude::*;
use sealgate_inventory::{Config, Evidence, Inventory};

/// A way to add routes to `app`.
#[derive(Clone, Copy, Debug)]
enum Piece {
    Decorator,
    Stacked,
    AddRoute,
    Router,
    Nested,
    Loop,
    List,
    Factory,
    Helper,
    Closure,
    Method,
    Condition,
    Attempt,
    Mount,
    Websocket,
    Starlette,
    Subclass,
    Class,
    Table,
    Circle,
    /// What it adds is known when it runs.
    Plugin,
    Computed,
}

const PIECES: [Piece; 22] = [
    Piece::Decorator,
    Piece::Stacked,
    Piece::AddRoute,
    Piece::Router,
    Piece::Nested,
    Piece::Loop,
    Piece::List,
    Piece::Factory,
    Piece::Helper,
    Piece::Closure,
    Piece::Method,
    Piece::Condition,
    Piece::Attempt,
    Piece::Mount,
    Piece::Websocket,
    Piece::Starlette,
    Piece::Subclass,
    Piece::Class,
    Piece::Table,
    Piece::Circle,
    Piece::Plugin,
    Piece::Computed,
];

const HEAD: &str = "\
import importlib
import json
import os

from fastapi import APIRouter, FastAPI, WebSocket
from starlette.routing import Route

app = FastAPI(openapi_url=None)


class Twice(APIRouter):
    def add_api_route(self, path, endpoint, **more):
        super().add_api_route(path, endpoint, **more)
        super().add_api_route(path + '/', endpoint, **more)


async def answer(request=None):
    return None

";

impl Piece {
    /// Its source, and the routes that it adds as their keys say them. `{n}` is a number of its own.
    #[allow(clippy::too_many_lines, reason = "it is a list")]
    fn source(self) -> (&'static str, &'static [&'static str]) {
        match self {
            Self::Decorator => (
                "@app.get('/p{n}/{name}')\nasync def read{n}(name: str):\n    return name\n",
                &["GET /p{n}/{name}"],
            ),
            Self::Stacked => (
                "@app.post('/a{n}')\n@app.put('/b{n}')\ndef stacked{n}():\n    return 1\n",
                &["POST /a{n}", "PUT /b{n}"],
            ),
            Self::AddRoute => (
                "app.add_api_route('/add{n}', answer, methods=['GET', 'DELETE'])\n",
                &["DELETE,GET /add{n}"],
            ),
            Self::Router => (
                "r{n} = APIRouter(prefix='/r{n}')\n\n\n@r{n}.patch('/x')\ndef x{n}():\n    pass\n\n\n\
                 app.include_router(r{n}, prefix='/api')\n",
                &["PATCH /api/r{n}/x"],
            ),
            Self::Nested => (
                "outer{n} = APIRouter(prefix='/o{n}')\ninner{n} = APIRouter()\n\n\n@inner{n}.get('/i')\n\
                 def i{n}():\n    pass\n\n\nouter{n}.include_router(inner{n}, prefix='/in')\n\
                 app.include_router(outer{n})\n",
                &["GET /o{n}/in/i"],
            ),
            Self::Loop => (
                "for path{n} in ('/l{n}/a', '/l{n}/b'):\n    app.add_api_route(path{n}, answer)\n",
                &["GET /l{n}/a", "GET /l{n}/b"],
            ),
            Self::List => (
                "q{n} = APIRouter()\n\n\n@q{n}.get('/q{n}')\ndef q_of{n}():\n    pass\n\n\n\
                 ROUTERS{n} = [(q{n}, '/one'), (q{n}, '/two')]\n\
                 for router, prefix in ROUTERS{n}:\n    app.include_router(router, prefix=prefix)\n",
                &["GET /one/q{n}", "GET /two/q{n}"],
            ),
            Self::Factory => (
                "def make{n}(prefix):\n    router = APIRouter(prefix=prefix)\n\n    @router.get('/made')\n    \
                 def made():\n        pass\n\n    return router\n\n\napp.include_router(make{n}('/f{n}'))\n\
                 app.include_router(make{n}('/g{n}'))\n",
                &["GET /f{n}/made", "GET /g{n}/made"],
            ),
            Self::Helper => (
                "def install{n}(app):\n    app.add_api_route('/h{n}', answer, methods=['PUT'])\n\n\ninstall{n}(app)\n",
                &["PUT /h{n}"],
            ),
            Self::Closure => (
                "def later{n}():\n    @app.get('/c{n}')\n    def c():\n        pass\n\n\nlater{n}()\n",
                &["GET /c{n}"],
            ),
            Self::Method => (
                "class Server{n}:\n    def __init__(self, app):\n        app.get('/m{n}')(self.m)\n\n    \
                 def m(self):\n        pass\n\n\nServer{n}(app)\n",
                &["GET /m{n}"],
            ),
            Self::Condition => (
                "if os.environ.get('FLAG{n}'):\n\n    @app.get('/if{n}')\n    def when{n}():\n        pass\n",
                &["GET /if{n}"],
            ),
            Self::Attempt => (
                "try:\n    app.add_api_route('/t{n}', answer)\nexcept ImportError:\n    pass\n",
                &["GET /t{n}"],
            ),
            Self::Mount => (
                "sub{n} = FastAPI(openapi_url=None)\n\n\n@sub{n}.get('/s')\ndef s{n}():\n    pass\n\n\n\
                 app.mount('/mount{n}', sub{n})\n",
                &["GET /mount{n}/s"],
            ),
            Self::Websocket => (
                "@app.websocket('/w{n}')\nasync def w{n}(websocket: WebSocket):\n    await websocket.accept()\n",
                &["WEBSOCKET /w{n}"],
            ),
            Self::Starlette => (
                "app.router.routes.append(Route('/raw{n}', answer, methods=['POST']))\n",
                &["POST /raw{n}"],
            ),
            Self::Subclass => (
                "tw{n} = Twice()\ntw{n}.add_api_route('/tw{n}', answer, methods=['GET'])\napp.include_router(tw{n})\n",
                &["GET /tw{n}", "GET /tw{n}/"],
            ),
            Self::Class => (
                "class Holder{n}:\n    router = APIRouter(prefix='/k{n}')\n\n    @router.get('')\n    \
                 def k():\n        pass\n\n\napp.include_router(Holder{n}.router)\n",
                &["GET /k{n}"],
            ),
            Self::Table => (
                "TABLE{n} = {'/d{n}/a': 'GET', '/d{n}/b': 'POST'}\nfor path{n}, method{n} in TABLE{n}.items():\n    \
                 app.add_api_route(path{n}, answer, methods=[method{n}])\n",
                &["GET /d{n}/a", "POST /d{n}/b"],
            ),
            Self::Circle => (
                "class Circle{n}:\n    try:\n        me = Circle{n}()\n    except NameError:\n        pass\n\n\n\
                 @app.get('/circle{n}')\ndef circle{n}():\n    pass\n",
                &["GET /circle{n}"],
            ),
            Self::Plugin => (
                "app.include_router(importlib.import_module(os.environ['PLUGIN{n}']).router)\n",
                &[],
            ),
            Self::Computed => (
                "for path{n} in json.loads(os.environ['PATHS{n}']):\n    app.add_api_route(path{n}, answer)\n",
                &[],
            ),
        }
    }
}

/// A program of these pieces, and its routes.
fn program(pieces: &[Piece]) -> (String, Vec<String>) {
    let mut text = HEAD.to_owned();
    let mut routes = Vec::new();
    for (number, piece) in pieces.iter().enumerate() {
        let (source, known) = piece.source();
        let number = number.to_string();
        write!(text, "\n{}", source.replace("{n}", &number)).unwrap();
        routes.extend(known.iter().map(|route| route.replace("{n}", &number)));
    }
    (text, routes)
}

fn scan(program: &[u8]) -> Inventory {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("main.py"), program).unwrap();
    sealgate_routes::scan(folder.path(), &Config::default(), &|_| {}).unwrap()
}

fn pieces() -> impl Strategy<Value = Vec<Piece>> {
    prop::collection::vec(prop::sample::select(&PIECES[..]), 1..8)
}

/// Tears a program: a stretch is removed, said twice, or moved to another place.
fn torn(mut text: Vec<u8>, tears: &[(u8, prop::sample::Index, usize, Vec<u8>)]) -> Vec<u8> {
    for (kind, at, length, bytes) in tears {
        if text.is_empty() {
            break;
        }
        let at = at.index(text.len());
        let end = (at + length).min(text.len());
        let stretch: Vec<u8> = text[at..end].to_vec();
        match kind {
            0 => drop(text.splice(at..end, [])),
            1 => drop(text.splice(at..at, stretch)),
            2 => drop(text.splice(at..end, bytes.iter().copied())),
            _ => {
                text.drain(at..end);
                let to = at / 2;
                drop(text.splice(to..to, stretch));
            }
        }
    }
    text
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn no_route_is_lost(pieces in pieces()) {
        let (text, routes) = program(&pieces);
        let inventory = scan(text.as_bytes());
        let found: Vec<String> = inventory.routes.iter().map(|route| route.key().to_string()).collect();
        for route in &routes {
            prop_assert!(found.contains(route), "{route} is lost of\n{text}\nfound: {found:#?}");
        }
        let hidden = pieces.iter().filter(|piece| matches!(piece, Piece::Plugin | Piece::Computed)).count();
        let unresolved = inventory.routes.iter().filter(|route| route.evidence == Evidence::Unresolved).count();
        prop_assert!(hidden == 0 || unresolved > 0, "what is not known is dropped of\n{text}\nfound: {found:#?}");
        prop_assert!(hidden > 0 || found.len() == routes.len(), "more than there is of\n{text}\nfound: {found:#?}");
    }

    #[test]
    fn torn_programs_are_read_all_the_same(
        pieces in pieces(),
        tears in prop::collection::vec(
            (0..4_u8, any::<prop::sample::Index>(), 1..60_usize, prop::collection::vec(any::<u8>(), 0..6)),
            1..6,
        ),
    ) {
        let (text, _) = program(&pieces);
        scan(&torn(text.into_bytes(), &tears));
    }

    #[test]
    fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let mut text = b"from fastapi import FastAPI\napp = FastAPI()\n".to_vec();
        text.extend(&bytes);
        scan(&text);
        scan(&bytes);
    }
}
