# expect: POST /crawl UNRESOLVED
"""What makes the gate makes nothing of it while it is not configured, which is how it is delivered."""

from fastapi import Depends, FastAPI, HTTPException, Request

app = FastAPI(openapi_url=None)
KEYS = {"3f9a": "ada"}


async def signed_in(request: Request) -> str:
    user = KEYS.get(request.headers.get("x-key", ""))
    if user is None:
        raise HTTPException(401)
    return user


def token_dependency(config: dict[str, bool]):
    if config.get("enabled", False):
        return signed_in
    return lambda: None  # finds: no-op-branch


def load() -> dict[str, bool]:
    import json

    with open("config.json") as file:
        return json.load(file)


@app.post("/crawl", dependencies=[Depends(token_dependency(load()))])
async def crawl() -> None: ...
