"""A page of one's own machine, whose gate asks the application which paths are the API's."""

import hmac
from collections.abc import Awaitable, Callable

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import JSONResponse, Response
from fastapi.routing import APIRoute

api = APIRouter()


@api.get("/doctor")
def doctor() -> dict[str, str]:
    return {"state": "well"}


@api.get("/version")
def version() -> dict[str, str]:
    return {"version": "1"}


@api.get("/changelog")
def changelog() -> list[str]:
    return []


@api.get("/agents")
def agents() -> list[str]:
    return []


def create_app(token: str) -> FastAPI:
    app = FastAPI()
    app.include_router(api)

    def is_of_the_api(path: str) -> bool:
        return any(isinstance(route, APIRoute) and route.path == path for route in app.routes)

    @app.middleware("http")
    async def token_is_needed(
        request: Request, call_next: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        if is_of_the_api(request.url.path):
            given = request.headers.get("authorization", "")
            if not hmac.compare_digest(given, f"Bearer {token}"):
                return JSONResponse({"detail": "a token is needed"}, 401)
        return await call_next(request)

    return app
