"""An application under test: one route for each thing that can be asked, and who answered in a header."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Annotated, Any

from fastapi import Depends, FastAPI
from sealgate import Actor, Gate, User

Message = MutableMapping[str, Any]

gate = Gate.from_env()
app = FastAPI()
gate.install(app)

WORKER = (b"x-worker", str(os.getpid()).encode())


class Named:
    """Says in every answer which worker gave it, denials included."""

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

        async def named(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], WORKER]
            await send(message)

        await self.app(scope, receive, named)


@app.get("/health", dependencies=[gate.public("the harness asks")])
async def health() -> str:
    """Whether it answers."""
    return "ok"


@app.get("/any")
async def anybody(actor: Annotated[Actor, Depends(gate.actor)]) -> dict[str, str | None]:
    """For whoever has a credential that is good."""
    return {"session": getattr(actor, "session_id", None)}


@app.get("/books")
async def books(user: Annotated[User, Depends(gate.user(roles=["accountant"]))]) -> dict[str, str | None]:
    """For users with a role."""
    return {"session": user.session_id}


app.add_middleware(Named)
