from fastapi import FastAPI, HTTPException, Request, WebSocket

from auth import KEYS, bare, check, guarded, timed

app = FastAPI(openapi_url=None)
NOTES = {1: "buy milk"}


@app.get("/called")
async def called(request: Request) -> str:
    """The check is the first thing that happens."""
    return await check(request)


@app.get("/first")
async def first(request: Request) -> list[str]:
    name = await check(request)
    return [name]


@app.delete("/late/{number}")
async def late(number: int, request: Request) -> None:
    NOTES.pop(number)
    await check(request)


@app.get("/sometimes")
async def sometimes(request: Request, secret: bool = False) -> None:
    if secret:
        await check(request)


@app.get("/inline")
async def inline(request: Request) -> None:
    if request.headers.get("x-key") not in KEYS:
        raise HTTPException(401)


@app.get("/wrapped")
@guarded
async def wrapped(request: Request) -> None: ...


@app.get("/bare")
@bare
async def barely(request: Request) -> None: ...


@app.get("/timed")
@timed
async def only_timed(request: Request) -> None: ...


@app.websocket("/live")
async def live(websocket: WebSocket) -> None:
    if websocket.headers.get("x-key") not in KEYS:
        await websocket.close(code=1008)
        return
    await websocket.accept()


@app.websocket("/loose")
async def loose(websocket: WebSocket) -> None:
    await websocket.accept()
