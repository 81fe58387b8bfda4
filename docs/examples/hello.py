from fastapi import Depends, FastAPI
from sealgate import Gate, User

app, gate = FastAPI(), Gate.from_env()
gate.install(app)


@app.get("/health", dependencies=[gate.public("load balancers ask without a session")])
def health() -> str:
    return "ok"


@app.get("/me")
def me(user: User = Depends(gate.user)) -> str | None:
    return user.email
