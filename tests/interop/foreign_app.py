"""An application behind the gate in front of a provider that is no Sealgate."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, FastAPI
from sealgate import Actor, Gate, Machine, User

gate = Gate.from_env()
app = FastAPI()


@app.get("/health", dependencies=[gate.public("the tests ask")])
async def health() -> str:
    """Whether it answers."""
    return "ok"


@app.get("/me")
async def me(user: Annotated[User, Depends(gate.user)]) -> dict[str, str | None]:
    """Who is signed in, or called with a token of theirs."""
    return {"id": user.id, "email": user.email, "name": user.name}


@app.get("/machine")
async def machine(machine: Annotated[Machine, Depends(gate.machine(scopes=["api:read"]))]) -> str:
    """Which machine calls, if it may read."""
    return machine.id


@app.get("/anybody")
async def anybody(actor: Annotated[Actor, Depends(gate.actor)]) -> str:
    """Whoever it is."""
    return actor.id


gate.install(app)
