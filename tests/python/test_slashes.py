"""Redirects to the path with or without its last slash stay where they are."""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit

import pytest
from asgi_kit import request
from fastapi import APIRouter, FastAPI
from sealgate import Gate
from sealgate.slashes import slash_redirect

BASE = "https://app.example"


@pytest.mark.parametrize(
    ("path", "moved"),
    [
        ("/items", "/items/"),
        ("/items/", "/items"),
        ("/a/b/items///", "/a/b/items"),
        ("/a/b/items/", "/a/b/items"),
        ("/a:b", "/a:b/"),
        ("//evil.example", "//evil.example/"),
        ("//evil.example/", "//evil.example"),
        ("/http://evil.example", "/http://evil.example/"),
        ("/\\evil.example", "/%5Cevil.example/"),
        ("/x y?z#\r\nSet-Cookie: a", "/x%20y%3Fz%23%0D%0ASet-Cookie:%20a/"),
        ("/\u00fc\udcff", "/%C3%BC%3F/"),
    ],
)
def test_the_redirect_leads_to_the_same_path_on_the_same_host(path: str, moved: str) -> None:
    for query in (b"", b"a=b%2F&c=//evil.example", b"x\r\ny"):
        location = slash_redirect(path, query)
        assert location.startswith((".", "..")), location
        assert all("!" <= character <= "~" for character in location), location
        came_from = BASE + path.replace("?", "%3F").replace("#", "%23").replace("\\", "%5C")
        arrived = urlsplit(urljoin(came_from, location))
        assert arrived.netloc == "app.example", location
        if "//" not in path:  # There urljoin leaves out what browsers keep.
            assert arrived.path == moved


async def test_the_host_header_never_says_where_a_slash_redirect_leads(app: FastAPI, gate: Gate) -> None:
    router = APIRouter(prefix="/r", dependencies=[gate.public("a probe")])

    @router.get("/open/")
    def probe() -> bool:
        return True

    app.include_router(router)

    @app.get("/closed/")
    def closed() -> bool:
        return True

    for host in ("evil.example", "127.0.0.1:8000"):
        answer = await request(app, "GET", "/r/open", [("host", host)], query="a=b")
        assert (answer.status, answer.header("location")) == (307, "./open/?a=b")
        refused = await request(app, "GET", "/closed", [("host", host)])
        assert (refused.status, refused.header("location")) == (401, None)


async def test_a_redirect_goes_on_below_a_mount_and_a_cut_path(app: FastAPI, gate: Gate) -> None:
    inner = FastAPI()

    @inner.get("/items/", dependencies=[gate.public("a probe")])
    def items() -> bool:
        return True

    app.mount("/inner", inner)
    answer = await request(app, "GET", "/inner/items")
    assert (answer.status, answer.header("location")) == (307, "./items/")
    answer = await request(app, "GET", "/tools/inner/items", root_path="/tools")
    assert (answer.status, answer.header("location")) == (307, "./items/")
    arrived = await request(app, "GET", "/inner/items/")
    assert arrived.status == 200
