"""Looks into an application for `sealgate dev`: `python -m sealgate._dev main:app`.

The last line of stdout is one JSON object: the scopes and roles that routes ask for, or what is wrong.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from collections.abc import Iterator
from typing import Any

from starlette.applications import Starlette

from sealgate.asgi import GateLayer
from sealgate.requirements import Asked
from sealgate.routes import RouteTable


def look(target: str) -> dict[str, Any]:
    """What the routes of the application at `target` ask for, as `sealgate dev` reads it.

    `problem` says what is wrong, and `fatal` that it cannot be run at all.
    """
    if importlib.util.find_spec("uvicorn") is None:
        return {"fatal": "uvicorn"}
    from uvicorn.importer import ImportFromStringError, import_from_string

    try:
        app = import_from_string(target)
    except ImportFromStringError as error:
        return {"fatal": "target", "problem": str(error)}
    except BaseException as error:  # Whatever it is, uvicorn will tell the whole of it.
        if isinstance(error, KeyboardInterrupt):
            raise
        return {"problem": f"{target} cannot be imported: {type(error).__name__}: {error}"}
    gates = list(_tables(app))
    if not gates:
        return {"problem": f"{target} has no gate in front: call gate.install(app) on it"}
    every = [asked for table in gates for asked in table.asked()]
    return {"scopes": sorted(_named("scopes", every)), "roles": sorted(_named("roles", every))}


def _tables(app: Any) -> Iterator[RouteTable]:
    """The route tables of the gates in front of `app`, also behind middleware that was wrapped around."""
    for _ in range(16):
        if isinstance(app, Starlette):
            for middleware in app.user_middleware:
                cls: object = middleware.cls
                table = middleware.kwargs.get("table")
                if cls is GateLayer and isinstance(table, RouteTable):
                    yield table
            return
        app = getattr(app, "app", None)


def _named(what: str, every: list[Asked]) -> set[str]:
    """All of what every route asks for, whether it asks for all of several or for any of them."""
    lists = [getattr(asked, name, ()) for asked in every for name in (what, f"any_{what}")]
    return {name for names in lists for name in names}


def main() -> None:
    """Prints what was found about the first argument."""
    sys.path.insert(0, "")
    # What the application prints while it is imported is not the answer, and what it starts then gets no
    # hold of the pipe that the answer goes through: the end of that is waited for.
    with os.fdopen(os.dup(1), "w") as answer:
        os.dup2(2, 1)
        answer.write(f"{json.dumps(look(sys.argv[1]))}\n")
    sys.stdout.flush()
    sys.stderr.flush()
    # Not by way of the threads that the application may have started, which would be waited for.
    os._exit(0)


if __name__ == "__main__":
    main()
