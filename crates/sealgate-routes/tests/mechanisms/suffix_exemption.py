# expect: GET /variables/{name} UNRESOLVED
# expect: GET /variables GATED-STATIC
"""Every path that ends in `health` is let through, `/variables/health` too."""

from fastapi import FastAPI, Request
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.responses import JSONResponse

KEYS = {"3f9a"}


class Guard(BaseHTTPMiddleware):
    async def dispatch(self, request: Request, call_next):
        if request.url.path.endswith(("health", "ready")):  # finds: path-decision
            return await call_next(request)
        if request.headers.get("x-key") not in KEYS:
            return JSONResponse({"detail": "sign in"}, status_code=401)
        return await call_next(request)


app = FastAPI(openapi_url=None)
app.add_middleware(Guard)


@app.get("/variables/{name}")
async def variable(name: str) -> str:
    return name


@app.get("/variables")
async def variables() -> list[str]:
    return []
