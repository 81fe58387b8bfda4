# expect: GET /notes GATED-STATIC
# expect: GET /named GATED-STATIC
# expect: GET /looked-up GATED-STATIC
"""Code that looks like a broken gate and is none."""

from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.security import HTTPBearer

app = FastAPI(openapi_url=None)
KEYS = {"3f9a": "ada"}
bearer = HTTPBearer(auto_error=False)


class Failed(Exception):
    pass


async def signed_in(request: Request, credentials=Depends(bearer)) -> str:
    """Takes what a silent scheme has read, and judges it."""
    if credentials is None:
        raise HTTPException(401)
    user = KEYS.get(credentials.credentials)
    if user is None:
        raise HTTPException(401)
    return user


def kind_of(request: Request) -> str:
    """A text, and no decision."""
    if request.url.path.startswith("/named"):
        return "named"
    return "other"


def problem(text: str) -> HTTPException:
    return HTTPException(400, text)


@app.get("/notes")
async def notes(user: str = Depends(signed_in)) -> list[str]:
    """Whatever goes wrong is raised as something else: nothing goes on."""
    try:
        if user == "ben":
            raise HTTPException(403)
    except Exception as error:
        raise Failed("no") from error
    return []


@app.get("/named")
async def named(request: Request, user: str = Depends(signed_in)) -> str:
    return kind_of(request)


@app.get("/looked-up")
async def looked_up(user: str = Depends(signed_in)) -> None:
    raise problem("no")


def name_operations(app: FastAPI) -> None:
    for route in app.routes:
        route.operation_id = route.path.replace("/", "-")


name_operations(app)
