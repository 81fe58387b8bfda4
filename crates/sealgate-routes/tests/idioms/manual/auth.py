from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any

from fastapi import HTTPException, Request

KEYS = {"3f9a": "ada"}


async def check(request: Request) -> str:
    name = KEYS.get(request.headers.get("x-key", ""))
    if name is None:
        raise HTTPException(401)
    return name


def guarded(function: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    @wraps(function)
    async def wrapper(request: Request, *args: Any, **kwargs: Any) -> Any:
        await check(request)
        return await function(request, *args, **kwargs)

    return wrapper


def bare(function: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    async def wrapper(request: Request) -> Any:
        await check(request)
        return await function(request)

    return wrapper


def timed(function: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    @wraps(function)
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        return await function(*args, **kwargs)

    return wrapper
