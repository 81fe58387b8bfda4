# expect: GET /models GATED-STATIC
"""Without a key in the environment everybody is a user."""

import os

from fastapi import Depends, FastAPI, HTTPException, Request
from pydantic import BaseModel

app = FastAPI(openapi_url=None)
MASTER_KEY = os.getenv("MASTER_KEY")


class User(BaseModel):
    role: str


async def build(request: Request) -> User:
    key = request.headers.get("authorization")
    if MASTER_KEY is None:
        return User(role="internal")  # finds: gate-cannot-deny
    if key != MASTER_KEY:
        raise HTTPException(401)
    return User(role="admin")


async def signed_in(request: Request) -> User:
    user = await build(request)
    return user


@app.get("/models")
async def models(user: User = Depends(signed_in)) -> list[str]:
    return []
