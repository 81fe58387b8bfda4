# expect: GET /models UNRESOLVED
"""The path comes from `request.url`, and so from the `Host` header: a caller can make it one of the list."""

from fastapi import Depends, FastAPI, HTTPException, Request

app = FastAPI(openapi_url=None)
KEYS = {"3f9a"}
PUBLIC = ["/health", "/login"]


def path_of(request: Request) -> str:
    return request.url.path


async def signed_in(request: Request) -> None:
    path = path_of(request)
    if path in PUBLIC:  # finds: path-decision
        return
    if request.headers.get("x-key") not in KEYS:
        raise HTTPException(401)


@app.get("/models", dependencies=[Depends(signed_in)])
async def models() -> list[str]:
    return []
