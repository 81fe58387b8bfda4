from starlette.middleware.base import BaseHTTPMiddleware
from starlette.responses import JSONResponse, Response

KEYS = {"3f9a"}
FREE = {"/health", "/login"}


class Guard(BaseHTTPMiddleware):
    async def dispatch(self, request, call_next) -> Response:
        if request.url.path in FREE or request.url.path.startswith("/public/"):
            return await call_next(request)
        if request.headers.get("x-key") not in KEYS:
            return JSONResponse({"detail": "sign in"}, status_code=401)
        return await call_next(request)
