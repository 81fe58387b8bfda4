"""The route inventory of a running application: every way in, and what runs before each.

`sealgate routes inspect` and the pytest plugin read it. It knows the true table, but not what a callable
does: that the program judges, by the source of each. It works on any FastAPI or Starlette application.
"""

from __future__ import annotations

import sys
import types
from typing import Any

from sealgate.inventory import frameworks
from sealgate.inventory.attributes import is_a
from sealgate.inventory.document import App, Json, Note, Place, inventory
from sealgate.inventory.frameworks import UnreadableError
from sealgate.inventory.judging import judged
from sealgate.inventory.names import Names, class_name
from sealgate.inventory.openapi import operations
from sealgate.inventory.walk import Walk

__all__ = ["Json", "UnreadableError", "name_of", "read"]


def read(app: Any, name: str | None = None) -> Json:
    """The inventory of `app`, as the JSON document `sealgate-routes/1`; equal ones for equal applications.

    `name` is the application's, as `module:name` or `module:factory()`; without it, it is looked for among
    the modules that were imported. Files are told relative to the working directory. No handler,
    dependency or middleware is called; the OpenAPI document is made, if there is one. Raises
    `UnreadableError` for a version of FastAPI that does not show its routes.
    """
    frameworks.check()
    names = Names()
    walk = Walk(names)
    name = name or name_of(app)
    walk.run(app)
    paths = frozenset(found.path for found in walk.found)
    around = bool(walk.middleware)
    routes = [judged(found, name, around=around, paths=paths) for found in walk.found]
    count, why = operations(walk.root)
    notes = [*walk.notes, *([Note(why)] if why else [])]
    return inventory(name, App(name, _place_of(name, names), tuple(walk.middleware), count), routes, notes)


def name_of(app: Any) -> str:
    """What a module calls the application. Tests only borrow it."""
    found: list[tuple[bool, int, str]] = []
    for module in list(sys.modules.values()):
        held = vars(module) if is_a(module, types.ModuleType) else {}
        for name, thing in list(held.items()):
            if thing is app:
                last = module.__name__.rpartition(".")[2]
                borrowed = last.startswith("test_") or last in ("conftest", "__main__")
                found.append((borrowed, len(module.__name__), f"{module.__name__}:{name}"))
    if found:
        return min(found)[2]
    return class_name(app)


def _place_of(name: str, names: Names) -> Place | None:
    module_name, _, attribute = name.partition(":")
    module = sys.modules.get(module_name)
    if module is None:
        return None
    thing = vars(module).get(attribute.removesuffix("()"))
    if attribute.endswith("()"):
        return None if thing is None else names.place(thing)
    return names.made(module, attribute)
