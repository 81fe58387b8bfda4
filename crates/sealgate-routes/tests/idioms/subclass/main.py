from fastapi import Depends, FastAPI

from auth import signed_in
from routing import BothSlashes


class Server:
    def __init__(self) -> None:
        self.app = FastAPI(openapi_url=None)
        self.router = BothSlashes(prefix="/v2")
        self.router.add_api_route("/things", self.things, methods=["GET"])
        self.router.add_api_route("/things/", self.add, methods=["POST"], dependencies=[Depends(signed_in)])
        self.app.include_router(self.router)

    async def things(self) -> list[str]:
        return []

    async def add(self) -> None: ...


server = Server()
app = server.app
