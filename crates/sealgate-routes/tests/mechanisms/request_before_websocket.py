# expect: WEBSOCKET /monitor/ws UNRESOLVED
"""FastAPI has no `Request` for a WebSocket: the gate fails with an error of its own and denies nothing."""

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request, WebSocket

KEYS = {"3f9a"}


async def signed_in(request: Request) -> None:  # finds: request-typed-gate
    if request.headers.get("x-key") not in KEYS:
        raise HTTPException(401)


router = APIRouter(prefix="/monitor", dependencies=[Depends(signed_in)])


@router.websocket("/ws")
async def live(websocket: WebSocket) -> None:
    await websocket.accept()


app = FastAPI(openapi_url=None)
app.include_router(router)
