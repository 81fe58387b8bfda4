import importlib
import json
import pkgutil
from importlib.metadata import entry_points
from pathlib import Path

import plugins
from company.auth import staff_only
from fastapi import APIRouter, Depends, FastAPI
from vendor.routes import router as vendor

from auth import signed_in

app = FastAPI(openapi_url=None)

# Which routes these have is known when the application runs, and not before.
app.include_router(vendor, prefix="/vendor", dependencies=[Depends(signed_in)])
for found in pkgutil.iter_modules(plugins.__path__):
    module = importlib.import_module(f"plugins.{found.name}")
    app.include_router(module.router, prefix="/plugins")
for plugin in entry_points(group="app.routes"):
    app.include_router(plugin.load())

PATHS = json.loads(Path("paths.json").read_text())


async def answer() -> str:
    return "42"


for path in PATHS:
    app.add_api_route(path, answer, methods=["GET"])


@app.get("/staff", dependencies=[Depends(staff_only)])
async def staff() -> None:
    """Whether `staff_only` denies is written in a package that is not here."""


late = APIRouter(prefix="/late")


@late.get("/before")
async def before() -> None: ...


app.include_router(late)


@late.get("/after")
async def after() -> None: ...
