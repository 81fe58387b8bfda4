"""An application whose route asks for a role that only the mapping gives, and that tells its version."""

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


@app.get("/approve")
async def approve(user: Annotated[User, Depends(gate.user(roles=["approver"]))]) -> dict[str, str]:
    return {"by": user.id}


@app.get("/worker", dependencies=[gate.public("the test asks each worker")])
async def worker() -> dict[str, Any]:
    lines = gate.openmetrics().splitlines()
    values = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    return {
        "pid": os.getpid(),
        "version": int(values["sealgate_gate_policy_version"]),
        "ready": values["sealgate_gate_policy_ready"] == "1",
        "loads": int(values["sealgate_gate_policy_loads_total"]),
    }
