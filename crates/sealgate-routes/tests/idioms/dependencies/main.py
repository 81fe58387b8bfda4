from fastapi import Depends, FastAPI

from auth import Counter, Needs, by_other_header, session, user, with_role

app = FastAPI(openapi_url=None)
ADMIN = [Depends(with_role("admin"))]
counter = Counter()


@app.get("/factory", dependencies=ADMIN)
async def factory() -> None: ...


@app.get("/instance")
async def instance(name: str = Depends(Needs("admin"))) -> None: ...


@app.get("/partial", dependencies=[Depends(by_other_header)])
async def partially() -> None: ...


@app.get("/helper")
async def helper(name: str = user("admin")) -> None: ...


@app.get("/lambda", dependencies=[Depends(lambda: None)])
async def nothing() -> None: ...


@app.get("/counted")
async def counted(count: int = Depends(counter), db: object = Depends(session)) -> None: ...
