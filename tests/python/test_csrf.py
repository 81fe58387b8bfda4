"""Browsers that do not say where a request comes from show the token of the page."""

from collections.abc import AsyncGenerator
from typing import Annotated
from urllib.parse import urlencode

import pytest
from asgi_kit import request
from fastapi import Depends, FastAPI, Form, Request, UploadFile
from sealgate import Actor, Gate, User
from sessions import BASE_URL, Realm, browser, session_cookie, sign_in

FORM = ("content-type", "application/x-www-form-urlencoded")


def application(gate: Gate) -> FastAPI:
    app = FastAPI()
    gate.install(app)

    @app.get("/page")
    def page(asked: Request, user: Annotated[User, Depends(gate.user)]) -> str:
        return gate.csrf_token(asked)

    @app.get("/maybe")
    def maybe(asked: Request, actor: Annotated[Actor | None, Depends(gate.optional)]) -> str:
        return gate.csrf_token(asked)

    @app.get("/front", dependencies=[gate.public("before sign-in")])
    def front(asked: Request) -> str:
        return gate.csrf_token(asked)

    @app.post("/form")
    def form(note: Annotated[str, Form()]) -> int:
        return len(note)

    @app.post("/upload")
    async def upload(file: UploadFile) -> int:
        return len(await file.read())

    @app.post("/json")
    def json(body: dict[str, str]) -> dict[str, str]:
        return body

    return app


@pytest.fixture
async def signed_in(realm: Realm) -> AsyncGenerator[tuple[FastAPI, tuple[str, str], str]]:
    """An application, the session of somebody who is signed in to it, and a token of its pages."""
    gate = realm.gate()
    app = application(gate)
    async with browser(app) as client:
        await sign_in(client, realm)
        token = (await client.get(f"{BASE_URL}/page")).json()
        empty = (await client.get(f"{BASE_URL}/front")).json()
        assert (len(token), empty) == (64, "")
        assert len((await client.get(f"{BASE_URL}/maybe")).json()) == 64
        yield app, session_cookie(client), token
    gate._core.stop()  # pyright: ignore[reportPrivateUsage]


async def test_a_form_with_the_token_reaches_its_handler_whole(
    signed_in: tuple[FastAPI, tuple[str, str], str],
) -> None:
    app, cookie, token = signed_in
    for length in (1, 70_000, 300_000):
        body = urlencode({"csrf_token": token, "note": "n" * length}).encode()
        answer = await request(app, "POST", "/form", [cookie, FORM], body)
        assert (answer.status, answer.body) == (200, str(length).encode())
    body = urlencode({"note": "n" * 70_000, "csrf_token": token}).encode()
    late = await request(app, "POST", "/form", [cookie, FORM], body)
    assert (late.status, late.reason) == (403, "csrf_token_missing")


async def test_without_the_token_nothing_reaches_a_handler(
    signed_in: tuple[FastAPI, tuple[str, str], str],
) -> None:
    app, cookie, token = signed_in
    without = await request(app, "POST", "/form", [cookie, FORM], b"note=n")
    assert (without.status, without.reason) == (403, "csrf_token_missing")
    wrong = await request(app, "POST", "/form", [cookie, FORM], b"note=n&csrf_token=x")
    assert (wrong.status, wrong.reason) == (403, "csrf_token_wrong")
    field = urlencode({"csrf_token": token}).encode()
    for kind in ("application/json", "text/plain", "multipart/form-data; boundary=b"):
        answer = await request(app, "POST", "/json", [cookie, ("content-type", kind)], field)
        assert (answer.status, answer.reason, answer.received) == (403, "csrf_token_missing", 0)


async def test_scripts_and_uploads_send_the_header(
    signed_in: tuple[FastAPI, tuple[str, str], str],
) -> None:
    app, cookie, token = signed_in
    header = ("x-csrf-token", token)
    json = [cookie, header, ("content-type", "application/json")]
    answer = await request(app, "POST", "/json", json, b'{"a":"b"}')
    assert (answer.status, answer.body) == (200, b'{"a":"b"}')
    upload = [cookie, header, ("content-type", "multipart/form-data; boundary=b")]
    body = b'--b\r\ncontent-disposition: form-data; name="file"; filename="f"\r\n\r\nabc\r\n--b--\r\n'
    answer = await request(app, "POST", "/upload", upload, body)
    assert (answer.status, answer.body) == (200, b"3")


async def test_signing_out_by_a_form_takes_the_token(
    signed_in: tuple[FastAPI, tuple[str, str], str],
) -> None:
    app, cookie, token = signed_in
    refused = await request(app, "POST", "/auth/logout", [cookie, FORM])
    assert (refused.status, refused.reason) == (403, "csrf_token_missing")
    field = urlencode({"csrf_token": token}).encode()
    done = await request(app, "POST", "/auth/logout", [cookie, FORM, ("accept", "text/html")], field)
    assert done.status == 303
    after = await request(app, "GET", "/page", [cookie])
    assert (after.status, after.reason) == (401, "session_revoked")


async def test_a_stranger_gets_no_token_and_a_request_that_passed_no_gate_an_error(gate: Gate) -> None:
    app = application(gate)
    answer = await request(app, "GET", "/maybe")
    assert (answer.status, answer.body) == (200, b'""')
    with pytest.raises(RuntimeError, match=r"gate\.install"):
        gate.csrf_token(Request({"type": "http", "headers": []}))
