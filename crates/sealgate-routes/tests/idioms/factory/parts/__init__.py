from . import items, users

ROUTERS = [(users.router, "/users"), (items.router, "/items")]
