from fastapi import APIRouter

router = APIRouter(prefix="/debug")


@router.get("/vars")
async def variables() -> dict[str, str]:
    return {}
