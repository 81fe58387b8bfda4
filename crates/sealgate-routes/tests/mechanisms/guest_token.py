# expect: GET /documents GATED-STATIC
"""A guest's token is enough while no accounts are configured, and the secret that signs it is known to all."""

import os

import jwt
from fastapi import Depends, FastAPI, HTTPException, Request

app = FastAPI(openapi_url=None)
SECRET = os.getenv("TOKEN_SECRET", "default-secret")
ACCOUNTS = os.getenv("ACCOUNTS")
API_KEY = os.getenv("API_KEY")


def combined(request: Request) -> None:
    token = request.headers.get("authorization")
    if token:
        claims = jwt.decode(token, SECRET, algorithms=["HS256"])
        if not ACCOUNTS and claims.get("role") == "guest":
            return
        if ACCOUNTS and claims.get("role") != "guest":
            return
        raise HTTPException(401)
    if not API_KEY:
        return  # finds: gate-cannot-deny
    if request.headers.get("x-key") != API_KEY:
        raise HTTPException(403)


@app.get("/documents", dependencies=[Depends(combined)])
async def documents() -> list[str]:
    return []
