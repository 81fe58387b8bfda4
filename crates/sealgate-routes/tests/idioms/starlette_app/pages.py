from starlette.authentication import requires
from starlette.endpoints import HTTPEndpoint
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.websockets import WebSocket


async def front(request: Request) -> Response:
    return JSONResponse({})


@requires("authenticated")
async def account(request: Request) -> Response:
    return JSONResponse({"name": request.user.display_name})


class Orders(HTTPEndpoint):
    @requires("authenticated")
    async def get(self, request: Request) -> Response:
        return JSONResponse([])

    @requires(["authenticated", "buyer"], status_code=403)
    async def post(self, request: Request) -> Response:
        return JSONResponse({})


class Half(HTTPEndpoint):
    @requires("authenticated")
    async def get(self, request: Request) -> Response:
        return JSONResponse([])

    async def delete(self, request: Request) -> Response:
        return JSONResponse({})


async def live(websocket: WebSocket) -> None:
    await websocket.accept()


async def guarded(websocket: WebSocket) -> None:
    if websocket.query_params.get("key") != "3f9a":
        await websocket.close(code=1008)
        return
    await websocket.accept()
