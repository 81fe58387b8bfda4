# expect: GET /doctor UNRESOLVED
"""The middleware asks the table of routes which paths it has to guard, and included routers are not in it."""

from fastapi import APIRouter, FastAPI, Request
from starlette.responses import JSONResponse

KEYS = {"3f9a"}
router = APIRouter()


@router.get("/doctor")
async def doctor() -> str:
    return "well"


app = FastAPI(openapi_url=None)
app.include_router(router)


def guarded(path: str) -> bool:
    for route in app.routes:  # finds: walked-routes
        if getattr(route, "path", None) == path:
            return True
    return False


@app.middleware("http")
async def guard(request: Request, call_next):
    if guarded(request.scope["path"]) and request.headers.get("x-key") not in KEYS:
        return JSONResponse({"detail": "sign in"}, status_code=401)
    return await call_next(request)
