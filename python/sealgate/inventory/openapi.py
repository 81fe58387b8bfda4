"""How many operations an application's OpenAPI document has: the measure of whether all routes were seen."""

from __future__ import annotations

import warnings
from typing import Any

from fastapi import FastAPI
from starlette.applications import Starlette

from sealgate.inventory.attributes import said

_METHODS = frozenset({"get", "put", "post", "delete", "options", "head", "patch", "trace", "query"})


def operations(app: Starlette | None) -> tuple[int | None, str | None]:
    """How many there are, or why that is not known. An application without a document has neither.

    The document that FastAPI remembers is left as it was: one that is made now would lack the routes that
    are added later.
    """
    if not isinstance(app, FastAPI):
        return None, None
    remembered = app.openapi_schema
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            document: Any = app.openapi()
        paths: Any = document.get("paths") or {}
        return sum(1 for operations in paths.values() for name in operations if name in _METHODS), None
    except Exception as error:
        return None, f"the OpenAPI document cannot be made: {said(error)}"
    finally:
        app.openapi_schema = remembered
