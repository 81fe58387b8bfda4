"""Reads a running application for `sealgate routes inspect`: `python -m sealgate._inspect main:app`.

The last line of stdout is one JSON object: the inventory, or `fatal` with a code and `problem` in words.
"""

from __future__ import annotations

import argparse
import importlib
import inspect
import json
import os
import sys
import traceback
from typing import Any

from sealgate.inventory import Json, UnreadableError, read
from sealgate.inventory.lifespan import StartError, read_started


class FatalError(Exception):
    """There is nothing that could be read."""

    def __init__(self, code: str, problem: str) -> None:
        """Takes the stable code, and what happened in one sentence."""
        super().__init__(problem)
        self.answer: Json = {"fatal": code, "problem": problem}


def look(target: str, *, factory: bool = False, lifespan: bool = False) -> Json:
    """The inventory of the application at `target`, or what stood in the way.

    `factory` calls what is there to make the application; `module:factory()` says the same. `lifespan` starts
    the application, and stops it after it was read.
    """
    try:
        app, name = load(target, factory=factory)
        return read_started(app, name) if lifespan else read(app, name)
    except FatalError as fatal:
        return fatal.answer
    except UnreadableError as error:
        return {"fatal": "framework", "problem": str(error)}
    except StartError as error:
        return {"fatal": "lifespan", "problem": f"{target} did not start: {error}"}
    except Exception as error:
        traceback.print_exc()
        return {"fatal": "unreadable", "problem": f"{target} cannot be read: {_said(error)}"}


def load(target: str, *, factory: bool) -> tuple[Any, str]:
    module_name, _, attribute = target.partition(":")
    if attribute.endswith("()"):
        attribute, factory = attribute.removesuffix("()"), True
    if not module_name or not attribute:
        raise FatalError("target", f"{target} names no application: write module:app")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is not None and f"{module_name}.".startswith(f"{error.name}."):
            raise FatalError("target", f"there is no module {error.name}") from error
        raise _failed("import", f"{module_name} cannot be imported", error) from error
    except BaseException as error:  # Also what ends a program: this one goes on to tell.
        raise _failed("import", f"{module_name} cannot be imported", error) from error
    app: Any = module
    for part in attribute.split("."):
        try:
            app = getattr(app, part)
        except AttributeError as error:
            raise FatalError("target", f"{module_name} has no {attribute}") from error
    name = f"{module_name}:{attribute}"
    if factory:
        if not callable(app):
            raise FatalError("target", f"{name} is no function that makes an application")
        return _made(app, name), f"{name}()"
    if inspect.isfunction(app) and not inspect.signature(app).parameters:
        raise FatalError("target", f"{name} is a function that makes the application: say --factory")
    return app, name


def _made(factory: Any, name: str) -> Any:
    try:
        app = factory()
    except BaseException as error:
        raise _failed("import", f"{name} makes no application", error) from error
    if inspect.iscoroutine(app):
        app.close()
        raise FatalError("target", f"{name} has to be awaited, which servers do not do")
    return app


def _failed(code: str, what: str, error: BaseException) -> FatalError:
    if isinstance(error, KeyboardInterrupt):
        raise error
    traceback.print_exception(error)
    return FatalError(code, f"{what}: {_said(error)}")


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


def main() -> None:
    """Prints what was found about the target."""
    parser = argparse.ArgumentParser(prog="python -m sealgate._inspect", description=__doc__)
    parser.add_argument("target", help="module:app")
    parser.add_argument("--factory", action="store_true", help="the target makes the application")
    parser.add_argument("--lifespan", action="store_true", help="start the application before it is read")
    asked = parser.parse_args()
    sys.path.insert(0, "")
    # What the application prints is not the answer, and what it starts then gets no hold of the pipe that
    # the answer goes through: the end of that is waited for.
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as answer:
        os.dup2(2, 1)
        answer.write(f"{json.dumps(look(asked.target, factory=asked.factory, lifespan=asked.lifespan))}\n")
    sys.stdout.flush()
    sys.stderr.flush()
    # Not by way of the threads that the application may have started, which would be waited for.
    os._exit(0)


if __name__ == "__main__":
    main()
