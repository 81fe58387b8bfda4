from starlette.applications import Starlette
from starlette.routing import Mount, Route, WebSocketRoute

import pages

shop = [
    Route("/orders", pages.Orders),
    Route("/half", pages.Half),
]

app = Starlette(
    routes=[
        Route("/", pages.front),
        Route("/account", pages.account, methods=["GET", "PUT"]),
        Mount("/shop", routes=shop),
        WebSocketRoute("/live", pages.live),
        WebSocketRoute("/guarded", pages.guarded),
    ]
)
