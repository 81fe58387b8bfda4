"""Tokens, for those who switched them on."""

from collections.abc import Callable
from typing import Annotated, Any

import jwt
from fastapi import Depends, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from settings import SECRET

bearer = HTTPBearer(auto_error=False)

Claims = dict[str, Any]


def claims_of(
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
) -> Claims:
    if credentials is None:
        raise HTTPException(401, "a token is needed")
    try:
        return dict(jwt.decode(credentials.credentials, SECRET, algorithms=["HS256"]))
    except jwt.PyJWTError as error:
        raise HTTPException(401, "the token is not valid") from error


def token_dependency(settings: dict[str, Any]) -> Callable[..., Claims | None]:
    """The gate, or nothing at all as long as nobody configured one."""
    if settings["security"].get("jwt_enabled", False):
        return claims_of
    return lambda: None
