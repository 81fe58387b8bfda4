from fastapi import Depends, HTTPException, Request

KEYS = {"3f9a": "ada", "77b0": "ben"}
ADMINS = {"ada"}


async def signed_in(request: Request) -> str:
    name = KEYS.get(request.headers.get("x-key", ""))
    if name is None:
        raise HTTPException(401)
    return name


async def administrator(name: str = Depends(signed_in)) -> str:
    if name not in ADMINS:
        raise HTTPException(403)
    return name
