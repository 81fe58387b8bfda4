from fastapi import FastAPI, WebSocket
from fastapi.staticfiles import StaticFiles

from guard import Guard

app = FastAPI()
app.add_middleware(Guard)


@app.get("/health")
async def health() -> str:
    return "well"


@app.get("/public/{name}")
async def public(name: str) -> str:
    return name


@app.get("/notes")
async def notes() -> list[str]:
    return []


@app.websocket("/live")
async def live(websocket: WebSocket) -> None:
    """A middleware for HTTP does not see WebSockets."""
    await websocket.accept()


inner = FastAPI(openapi_url=None)


@inner.get("/reports")
async def reports() -> list[str]:
    return []


app.mount("/inner", inner)
app.mount("/files", StaticFiles(directory="files"))
app.mount("/public/files", StaticFiles(directory="files"))
app.frontend("/site", directory="site")
