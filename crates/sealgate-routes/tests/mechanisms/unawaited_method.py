# expect: DELETE /databases/{name} OPEN
# expect: GET /databases/{name} UNRESOLVED
"""One of several handlers forgets to await the check, and a decorator stands on both."""

import asyncio
from functools import wraps

from fastapi import APIRouter, FastAPI, HTTPException, Request

KEYS = {"3f9a"}


def traced(name):
    def decorator(function):
        if asyncio.iscoroutinefunction(function):

            @wraps(function)
            async def awaiting(*args, **kwargs):
                return await function(*args, **kwargs)

            return awaiting

        @wraps(function)
        def plain(*args, **kwargs):
            return function(*args, **kwargs)

        return plain

    return decorator


class Server:
    def __init__(self) -> None:
        self.app = FastAPI(openapi_url=None)
        router = APIRouter()
        router.add_api_route("/databases/{name}", self.database, methods=["GET"])
        router.add_api_route("/databases/{name}", self.remove, methods=["DELETE"])
        self.app.include_router(router)

    @traced("check")
    async def check(self, headers) -> None:
        if headers.get("x-key") not in KEYS:
            raise HTTPException(401)

    @traced("database")
    async def database(self, request: Request, name: str) -> None:
        await self.check(request.headers)

    @traced("remove")
    async def remove(self, request: Request, name: str) -> None:
        self.check(request.headers)  # finds: unawaited-gate


app = Server().app
