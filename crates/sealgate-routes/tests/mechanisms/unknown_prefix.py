# expect: POST /v1/traces OPEN
"""A middleware that knows one prefix lets everything else through."""

from fastapi import FastAPI, Request
from starlette.responses import PlainTextResponse

app = FastAPI(openapi_url=None)
KEYS = {"3f9a"}


def signed_in(request: Request) -> bool:
    return request.headers.get("x-key") in KEYS


def validator_of(path: str):
    if path.startswith("/gateway/"):
        return signed_in
    return None


@app.middleware("http")
async def guard(request: Request, call_next):
    validator = validator_of(request.url.path)
    if validator is None:
        return await call_next(request)
    if not validator(request):
        return PlainTextResponse("no", status_code=403)
    return await call_next(request)


@app.get("/gateway/models")
async def models() -> list[str]:
    return []


@app.post("/v1/traces")
async def traces() -> None: ...
