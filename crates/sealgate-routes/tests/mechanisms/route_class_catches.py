# expect: GET /success UNRESOLVED
# expect: GET /broad UNRESOLVED
# expect: GET /told UNRESOLVED
# expect: GET /passed GATED-STATIC
# expect: GET /logged GATED-STATIC
"""A class of routes of its own stands around the gates, and catches what they raise."""

from collections.abc import Callable

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request, Response
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute

app = FastAPI(openapi_url=None)
KEYS = {"3f9a": "ada"}


def signed_in(request: Request) -> str:
    user = KEYS.get(request.headers.get("x-key", ""))
    if user is None:
        raise HTTPException(401)
    return user


class Success(APIRoute):
    def get_route_handler(self) -> Callable:
        original = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                return await original(request)
            except HTTPException as error:  # finds: swallowed-denial
                return JSONResponse({"error": error.detail})

        return handle


class Broad(APIRoute):
    def get_route_handler(self) -> Callable:
        original = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                return await original(request)
            except Exception as error:
                return answer_of(error)

        return handle


class Told(APIRoute):
    def get_route_handler(self) -> Callable:
        async def handle(request: Request) -> Response:
            return JSONResponse(await self.endpoint())

        return handle


class Passed(APIRoute):
    def get_route_handler(self) -> Callable:
        original = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                return await original(request)
            except HTTPException as error:
                return JSONResponse({"error": error.detail}, status_code=error.status_code)

        return handle


class Logged(APIRoute):
    def get_route_handler(self) -> Callable:
        original = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                response = await original(request)
            except ValueError:
                return JSONResponse({}, status_code=200)
            except HTTPException:
                raise
            except Exception:
                print("failed")
                raise
            print("done")
            return response

        return handle


success = APIRouter(route_class=Success, dependencies=[Depends(signed_in)])
broad = APIRouter(route_class=Broad, dependencies=[Depends(signed_in)])
told = APIRouter(route_class=Told, dependencies=[Depends(signed_in)])
passed = APIRouter(route_class=Passed, dependencies=[Depends(signed_in)])
logged = APIRouter(route_class=Logged, dependencies=[Depends(signed_in)])


@success.get("/success")
def one() -> None: ...


@broad.get("/broad")
def two() -> None: ...


@told.get("/told")
def three() -> None: ...


@passed.get("/passed")
def four() -> None: ...


@logged.get("/logged")
def five() -> None: ...


for router in (success, broad, told, passed, logged):
    app.include_router(router)
