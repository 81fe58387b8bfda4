from __future__ import annotations

from fastapi import APIRouter

from shop import types
from shop.api import CurrentMember, Noted, Page, Purchaser

router = APIRouter(prefix="/orders")


@router.get("")
def orders(member: CurrentMember, page: Page) -> list[str]:
    return []


@router.post("")
def order(buyer: Purchaser) -> None: ...


@router.get("/noted")
def noted(member: Noted) -> None: ...


@router.get("/by-module")
def by_module(member: types.CurrentMember) -> None: ...


@router.get("/pages")
def pages(page: Page) -> int:
    return page


@router.get("/maybe")
def maybe(member: types.CurrentMember | None = None) -> None:
    """FastAPI looks for `Depends` in `Annotated` alone: in a union it is not seen."""
