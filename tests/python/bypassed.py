"""An application that is served by its router, past its gate, for servers in a process of their own."""

from __future__ import annotations

from sealgate import Gate
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket
from unreachable import SETTINGS


async def opened(_: Request) -> PlainTextResponse:
    return PlainTextResponse("open")


async def closed(_: Request) -> PlainTextResponse:
    return PlainTextResponse("leaked")


async def socket(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_text("leaked")
    await socket.close()


gate = Gate(**SETTINGS)
gate.public_path("/open", "everybody")
app = Starlette(
    routes=[
        Route("/open", opened),
        Route("/closed", closed, methods=["GET", "POST"]),
        WebSocketRoute("/ws", socket),
    ]
)
gate.install(app)
served = app.router
