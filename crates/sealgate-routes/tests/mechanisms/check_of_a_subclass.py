# expect: GET /databases UNRESOLVED
# expect: GET /version OPEN
"""The check is abstract: which class answers it is known when the application runs."""

from abc import ABC, abstractmethod

from anyio import to_thread
from fastapi import FastAPI, Request


class Provider(ABC):
    @abstractmethod
    def authenticate(self, headers: dict[str, str]) -> str: ...


class Server:
    def __init__(self, provider: Provider) -> None:
        self.app = FastAPI(openapi_url=None)
        self.provider = provider
        self.app.add_api_route("/databases", self.databases, methods=["GET"])
        self.app.add_api_route("/version", self.version, methods=["GET"])

    def check(self, headers: dict[str, str], action: str) -> None:
        self.provider.authenticate(dict(headers))

    async def databases(self, request: Request) -> None:
        await to_thread.run_sync(self.check, *(request.headers, "list"))

    async def version(self) -> str:
        return "1"


def make(provider: Provider) -> FastAPI:
    return Server(provider).app


class Fixed(Provider):
    pass


app = make(Fixed())
