# expect: GET /a GATED-STATIC
# expect: GET /b GATED-STATIC
# expect: GET /c GATED-STATIC
"""Nothing is equal to nothing: where the variable is not set, who brings nothing passes."""

import os

from fastapi import Depends, FastAPI, Header, HTTPException, Request

app = FastAPI(openapi_url=None)
KEY = os.getenv("THE_KEY")


def by_header(x_key: str | None = Header(None)) -> None:
    if x_key != os.environ.get("API_KEY"):  # finds: gate-cannot-deny
        raise HTTPException(401)


def by_request(request: Request) -> str:
    if request.headers.get("x-key") == KEY:  # finds: gate-cannot-deny
        return "user"
    raise HTTPException(401)


def by_text(authorization: str = Header()) -> None:
    if authorization != f"Bearer {KEY}":  # finds: gate-cannot-deny
        raise HTTPException(401)


def by_required_header(x_key: str = Header()) -> None:
    if x_key != os.environ.get("API_KEY"):
        raise HTTPException(401)


def by_required_variable(x_key: str | None = Header(None)) -> None:
    if x_key != os.environ["API_KEY"]:
        raise HTTPException(401)


def asks_for_both(x_key: str | None = Header(None)) -> None:
    if not x_key or x_key != KEY:
        raise HTTPException(401)


def asks_for_the_variable(x_key: str | None = Header(None)) -> None:
    if not KEY:
        raise HTTPException(500)
    if x_key != KEY:
        raise HTTPException(401)


@app.get("/a", dependencies=[Depends(by_header), Depends(by_request)])
def a() -> None: ...


@app.get("/b", dependencies=[Depends(by_text), Depends(by_required_header)])
def b() -> None: ...


@app.get("/c", dependencies=[Depends(by_required_variable), Depends(asks_for_both), Depends(asks_for_the_variable)])
def c() -> None: ...
