from fastapi import APIRouter, Depends

from auth import administrator

router = APIRouter()


@router.get("/{name}")
async def user(name: str) -> str:
    return name


@router.delete("/{name}", dependencies=[Depends(administrator)])
async def remove(name: str) -> None: ...
