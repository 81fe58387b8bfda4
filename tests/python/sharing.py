"""An application whose workers tell how the revocation feed fares for them."""

from __future__ import annotations

import os
from typing import Annotated, Any

from fastapi import Depends, FastAPI
from sealgate import Gate, User

gate = Gate.from_env()
app = FastAPI()
gate.install(app)


@app.get("/me")
async def me(user: Annotated[User, Depends(gate.user)]) -> dict[str, str | None]:
    return {"session": user.session_id}


@app.get("/worker", dependencies=[gate.public("the test asks each worker")])
async def worker() -> dict[str, Any]:
    return {"pid": os.getpid(), **told(gate)}


def told(gate: Gate) -> dict[str, Any]:
    """How the feed fares, as JSON."""
    feed = gate.feed
    return {
        "fresh": feed.fresh,
        "age": feed.age,
        "entries": feed.entries,
        "shared": feed.shared,
        "leading": feed.leading,
        "connected": feed.connected,
        "snapshots": feed.snapshots,
    }
