"""What serves single routes: functions, classes of handlers, and whole applications."""

from __future__ import annotations

from typing import Any

from starlette.endpoints import HTTPEndpoint

from sealgate.inventory.attributes import is_a, items, text, value
from sealgate.inventory.names import bare

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY")
_DECIDES = ("__init__", "__await__", "dispatch", "method_not_allowed")


def is_handler(endpoint: Any) -> bool:
    """Whether it takes a request and answers it: a function, or a class of handlers. An application that
    serves one route could do anything before.
    """
    endpoint = bare(endpoint)
    return is_a(endpoint, type) or text(endpoint, "__qualname__") is not None


def methods(effective: Any, endpoint: Any) -> tuple[str, ...]:
    """The methods that a route answers, in order, as the framework declares them; none for every one."""
    declared = value(effective, "methods")
    told = declared if is_a(declared, set, frozenset) else items(declared)
    if told:
        return tuple(sorted(str(method) for method in told))
    endpoint = bare(endpoint)
    if is_a(endpoint, type) and issubclass(endpoint, HTTPEndpoint):
        return _of_class(endpoint)
    return ()


def _of_class(endpoint: type[HTTPEndpoint]) -> tuple[str, ...]:
    """The methods that a class of handlers has; none, which is every one, where it decides by itself."""
    if any(value(endpoint, name) is not value(HTTPEndpoint, name) for name in _DECIDES):
        return ()
    has = {name for name in _METHODS if callable(value(endpoint, name.lower()))}
    return tuple(sorted(has | {"HEAD"} if "GET" in has else has))
