# expect: GET /files/images/{name} OPEN
# expect: GET /files/{name} GATED-STATIC
"""Its neighbours have the parameter, and one has not."""

from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException, Request

app = FastAPI(openapi_url=None)
KEYS = {"3f9a": "ada"}


async def signed_in(request: Request) -> str:
    user = KEYS.get(request.headers.get("x-key", ""))
    if user is None:
        raise HTTPException(401)
    return user


CurrentUser = Annotated[str, Depends(signed_in)]


@app.get("/files")
async def files(user: CurrentUser) -> list[str]:
    return []


@app.post("/files")
async def upload(user: CurrentUser) -> None: ...


@app.get("/files/images/{name}")  # finds: sibling-asymmetry
async def image(name: str) -> str:
    return name


@app.get("/files/{name}")
async def file(name: str, user: CurrentUser) -> str:
    return name
