# expect: PUT /api/v1/users/{user_id}/activate OPEN
# expect: PUT /api/v1/users/{user_id}/deactivate GATED-STATIC
"""The path is put together from constants, under a condition, and the gate is forgotten on one of a pair."""

import os

from fastapi import APIRouter

from fastapi import Depends, FastAPI, HTTPException, Request

app = FastAPI(openapi_url=None)
KEYS = {"3f9a": "ada"}


async def signed_in(request: Request) -> str:
    user = KEYS.get(request.headers.get("x-key", ""))
    if user is None:
        raise HTTPException(401)
    return user


API = "/api"
VERSION_1 = "/v1"
USERS = "/users"
ACTIVATE = "/activate"
DEACTIVATE = "/deactivate"

router = APIRouter(prefix=API + VERSION_1 + USERS)


@router.get("")
async def users(name: str = Depends(signed_in)) -> list[str]:
    return []


@router.get("/{user_id}")
async def user(user_id: str, name: str = Depends(signed_in)) -> None: ...


if os.getenv("AUTH_SCHEME") != "EXTERNAL":

    @router.put("/{user_id}" + ACTIVATE)  # finds: sibling-asymmetry
    async def activate(user_id: str) -> None: ...

    @router.put("/{user_id}" + DEACTIVATE)
    async def deactivate(user_id: str, name: str = Depends(signed_in)) -> None: ...


app.include_router(router)
