from fastapi import APIRouter, Depends, FastAPI

from auth import signed_in
from parts import ROUTERS
from parts.debugging import router as debugging
from parts.health import router as health
from settings import API, settings


def add_routers(app: FastAPI) -> None:
    api = APIRouter(prefix=API)
    for router, prefix in ROUTERS:
        api.include_router(router, prefix=prefix, dependencies=[Depends(signed_in)])
    app.include_router(api)
    app.include_router(health)
    if settings.debug:
        app.include_router(debugging)


def create_app() -> FastAPI:
    app = FastAPI(openapi_url=None)
    add_routers(app)

    @app.get(f"{API}/whoami")
    async def whoami(name: str = Depends(signed_in)) -> str:
        return name

    return app


app = create_app()
