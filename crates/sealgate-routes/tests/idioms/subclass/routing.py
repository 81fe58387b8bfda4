from collections.abc import Callable
from typing import Any

from fastapi import APIRouter


class BothSlashes(APIRouter):
    """Serves every path with and without a slash at its end."""

    def add_api_route(self, path: str, endpoint: Callable[..., Any], **more: Any) -> None:
        if path.endswith("/"):
            path = path[:-1]
        super().add_api_route(path, endpoint, **more)
        super().add_api_route(path + "/", endpoint, include_in_schema=False, **more)
