from fastapi import APIRouter, Depends, FastAPI
from fastapi_utils.cbv import cbv

from auth import administrator, signed_in
from controllers import controller

people = APIRouter(prefix="/people")
reports = APIRouter(prefix="/reports")
notes = APIRouter(prefix="/notes")


@cbv(people)
class People:
    name: str = Depends(signed_in)

    @people.get("")
    def all(self) -> list[str]:
        return []

    @people.delete("/{other}", dependencies=[Depends(administrator)])
    def remove(self, other: str) -> None: ...


@cbv(notes)
class Notes:
    limit: int = 10

    @notes.get("")
    def all(self) -> list[str]:
        return []


@controller(reports)
class Reports:
    name: str = Depends(signed_in)

    @reports.get("")
    def all(self) -> list[str]:
        return []


app = FastAPI(openapi_url=None)
app.include_router(people)
app.include_router(notes)
app.include_router(reports)
