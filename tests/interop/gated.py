"""A gated application that tells what the gate answered to logouts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from fastapi import FastAPI
from sealgate import Gate

Message = MutableMapping[str, Any]

gate = Gate.from_env()
app = FastAPI()
answers: list[int] = []


class Listener:
    """Notes the statuses of what passes it outward."""

    def __init__(self, app: Callable[..., Awaitable[None]]) -> None:
        """Stands around `app`."""
        self.app = app

    async def __call__(
        self,
        scope: Message,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        """Serves one request."""

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start" and scope["path"] == "/auth/backchannel-logout":
                answers.append(message["status"])
            await send(message)

        await self.app(scope, receive, noting)


@app.get("/health", dependencies=[gate.public("the tests ask")])
async def health() -> str:
    """Whether it answers."""
    return "ok"


@app.get("/answers", dependencies=[gate.public("the tests ask")])
async def told() -> list[int]:
    """The statuses so far."""
    return answers


@app.get("/closed")
async def closed() -> str:
    """For whoever is signed in."""
    return "open"


gate.install(app)
app.add_middleware(Listener)
