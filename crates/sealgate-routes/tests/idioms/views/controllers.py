"""A class decorator of the application's own: what a class asks for, every route of it asks for."""

import inspect
from collections.abc import Callable

from fastapi import APIRouter, Depends


def controller[T](router: APIRouter) -> Callable[[type[T]], type[T]]:
    def decorator(cls: type[T]) -> type[T]:
        signature = inspect.signature(cls.__init__)
        parameters = list(signature.parameters.values())[1:]
        own = [p for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
        for name, hint in cls.__annotations__.items():
            own.append(
                inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=hint, default=getattr(cls, name))
            )

        def init(self: T, *args: object, **kwargs: object) -> None:
            for name, value in kwargs.items():
                setattr(self, name, value)

        init.__signature__ = signature.replace(parameters=own)
        cls.__init__ = init
        for route in list(router.routes):
            if route.endpoint in vars(cls).values():
                router.routes.remove(route)
                endpoint = route.endpoint
                old = inspect.signature(endpoint)
                first, *rest = old.parameters.values()
                endpoint.__signature__ = old.replace(parameters=[first.replace(default=Depends(cls)), *rest])
                router.add_api_route(route.path.removeprefix(router.prefix), endpoint, methods=route.methods)
        return cls

    return decorator
