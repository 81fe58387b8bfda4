"""Fetches pages for whoever asks."""

from typing import Annotated, Any

from auth import token_dependency
from fastapi import Body, Depends, FastAPI
from settings import load

settings = load()
app = FastAPI(title="crawler")
token = token_dependency(settings)


@app.post("/crawl")
async def crawl(urls: list[str], claims: Annotated[Any, Depends(token)]) -> dict[str, Any]:
    return {"urls": urls, "for": claims}


@app.post("/screenshot")
async def screenshot(
    url: Annotated[str, Body()],
    claims: dict[str, Any] | None = Depends(token),
) -> dict[str, Any]:
    return {"url": url, "for": claims}


@app.get("/llm/{url}", dependencies=[Depends(token_dependency(settings))])
async def answer(url: str, question: str) -> dict[str, str]:
    return {"url": url, "question": question}


@app.get("/health")
async def health() -> dict[str, str]:
    return {"status": "ok"}
