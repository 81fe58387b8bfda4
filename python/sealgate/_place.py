"""Where in an application's own code something stands, for messages about it."""

from __future__ import annotations

import inspect
import os
from functools import partial
from pathlib import Path
from types import CodeType
from typing import Any, cast

_PACKAGE = str(Path(__file__).parent) + os.sep


def of_call(what: str) -> str:
    """`what` with the line that called into this package, as in `Gate(...) at app.py:12`."""
    frame = inspect.currentframe()
    while frame is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame = frame.f_back
    return what if frame is None else f"{what} at {_shown(frame.f_code.co_filename, frame.f_lineno)}"


def of_endpoint(endpoint: Any) -> str | None:
    """The file and line of a route's function or class; `None` where Python does not know."""
    while isinstance(endpoint, partial):
        endpoint = endpoint.func
    try:
        code = getattr(inspect.unwrap(endpoint), "__code__", None)
        if isinstance(code, CodeType):
            return _shown(code.co_filename, code.co_firstlineno)
        thing = cast(type[object], endpoint if inspect.isclass(endpoint) else type(endpoint))
        return _shown(inspect.getfile(thing), inspect.getsourcelines(thing)[1])
    except (OSError, TypeError, ValueError):
        return None


def _shown(file: str, line: int) -> str:
    """The file as seen from the working directory, where it lies below."""
    path = Path(file)
    below = path.is_relative_to(Path.cwd()) if path.is_absolute() else False
    return f"{path.relative_to(Path.cwd()) if below else path}:{line}"
