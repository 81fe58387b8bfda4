"""A monitor with a gate that no WebSocket can pass through, or be denied by."""

import asyncio
import hmac
import os
from typing import Any

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request, WebSocket

TOKEN = os.environ["MONITOR_TOKEN"]


async def signed_in(request: Request) -> None:
    given = request.headers.get("authorization", "")
    if not hmac.compare_digest(given, f"Bearer {TOKEN}"):
        raise HTTPException(401, "a token is needed")


monitor = APIRouter(prefix="/monitor", dependencies=[Depends(signed_in)])


@monitor.get("/health")
async def health() -> dict[str, Any]:
    return {"busy": 0}


@monitor.websocket("/ws")
async def follow(websocket: WebSocket) -> None:
    await websocket.accept()
    while True:
        await websocket.send_json({"busy": 0})
        await asyncio.sleep(2)


app = FastAPI()
app.include_router(monitor)
