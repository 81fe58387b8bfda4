"""One route in three guises, each an application of its own: gated, with an idle dependency, bare; and an MCP
server in two.

Uvicorn runs one of them by its name: `application:gated`.
"""

from typing import Annotated, Any

from fastapi import Depends, FastAPI
from sealgate import Actor, Gate, User

ROUTE = "/expenses"


def gated() -> FastAPI:
    """The route behind the gate. Its settings come from the environment."""
    gate = Gate.from_env()
    app = FastAPI()
    gate.install(app)

    @app.get(ROUTE)
    async def expenses(user: Annotated[User, Depends(gate.user)]) -> dict[str, int]:
        return {"expenses": 3}

    # Behind the measured route, so that no request for that one is matched against this one.
    @app.get("/")
    async def home(user: Annotated[User, Depends(gate.user)]) -> dict[str, str | None]:
        return {"email": user.email}

    @app.get("/who")
    async def who(actor: Annotated[Actor, Depends(gate.actor)]) -> dict[str, str]:
        return {"kind": type(actor).__name__}

    return app


def idle() -> FastAPI:
    """The route with a dependency that does nothing. It is asynchronous: a synchronous one would go
    through a thread, which costs more than the gate.
    """
    app = FastAPI()

    async def do_nothing() -> None:
        pass

    @app.get(ROUTE)
    async def expenses(nothing: Annotated[None, Depends(do_nothing)]) -> dict[str, int]:
        return {"expenses": 3}

    return app


def bare() -> FastAPI:
    """The route alone."""
    app = FastAPI()

    @app.get(ROUTE)
    async def expenses() -> dict[str, int]:
        return {"expenses": 3}

    return app


def mcp_gated() -> FastAPI:
    """An MCP server behind the gate. Its settings come from the environment."""
    gate = Gate.from_env()
    app = FastAPI()
    gate.install(app)
    gate.mcp(
        app,
        _mcp_server(),
        scopes=["reports:read"],
        tools={"expenses": ["reports:read"]},
        json_response=True,
        stateless=True,
    )
    return app


def mcp_bare() -> FastAPI:
    """The same server in the same framework, with nothing before it."""
    from mcp.server.transport_security import TransportSecuritySettings
    from starlette.routing import Route

    inner = _mcp_server().streamable_http_app(
        stateless_http=True,
        json_response=True,
        transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
    )
    app = FastAPI(lifespan=lambda _: inner.router.lifespan_context(inner))
    app.router.routes.append(Route("/mcp", inner))
    return app


def _mcp_server() -> Any:
    from mcp.server.mcpserver import MCPServer

    server = MCPServer("benchmark", log_level="WARNING")

    @server.tool()
    async def expenses() -> int:
        """How many there are."""
        return 3

    return server
