"""An application whose documentation page is open, as in development."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, FastAPI
from sealgate import Gate, User

gate = Gate.from_env()
app = FastAPI(title="Notes")
gate.install(app)

Reader = Annotated[User, Depends(gate.user(scopes=["notes:read"]))]


@app.get("/notes")
def notes(user: Reader) -> list[str]:
    """The notes of whoever asks."""
    return [f"a note for {user.id}"]
