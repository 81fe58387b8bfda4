from typing import Annotated

from fastapi import Depends, FastAPI
from sealgate import Gate, User

gate = Gate.from_env()
app = FastAPI()
gate.install(app)


@app.get("/health", dependencies=[gate.public("load balancers ask without a session")])
def health() -> dict[str, bool]:
    return {"ok": True}


@app.get("/me")
def me(user: Annotated[User, Depends(gate.user)]) -> dict[str, str | None]:
    return {"email": user.email}


@app.get("/reports")  # nobody thought of sign-in here, so it is closed
def reports() -> list[str]:
    return ["salaries"]
