from fastapi import APIRouter, Depends, FastAPI

from auth import signed_in

VERSIONS = ("/v1", "/v2")


def make_router(prefix: str, *, guarded: bool) -> APIRouter:
    router = APIRouter(prefix=prefix, dependencies=[Depends(signed_in)] if guarded else [])

    @router.get("/models")
    @router.get("/engines")
    async def models() -> list[str]:
        return []

    @router.post("/chat", dependencies=[Depends(signed_in)])
    @router.post("/engines/{engine:path}/chat")
    async def chat(engine: str | None = None) -> None: ...

    return router


app = FastAPI(openapi_url=None)
app.include_router(make_router("/open", guarded=False))
app.include_router(make_router("/closed", guarded=True))


def later(app: FastAPI) -> None:
    for version in VERSIONS:

        @app.api_route(version + "/ping", methods=["GET", "POST"])
        async def ping() -> str:
            return "pong"


later(app)
