from typing import Annotated

from fastapi import Depends, HTTPException, Request
from pydantic import BaseModel


class Member(BaseModel):
    name: str


MEMBERS = {"3f9a": Member(name="ada")}


def signed_in(request: Request) -> Member:
    member = MEMBERS.get(request.headers.get("x-key", ""))
    if member is None:
        raise HTTPException(401)
    return member


def buyer(member: Annotated[Member, Depends(signed_in)]) -> Member:
    if member.name != "ada":
        raise HTTPException(403)
    return member


def page(number: int = 0) -> int:
    return number
