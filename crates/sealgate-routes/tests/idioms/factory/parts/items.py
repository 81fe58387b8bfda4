from fastapi import APIRouter

router = APIRouter()


@router.get("")
async def items() -> list[str]:
    return []
