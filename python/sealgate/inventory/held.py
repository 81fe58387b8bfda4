"""What a callable was made with, as far as that decides what it does.

`RoleChecker(roles, enabled=False)` denies nobody, and its class does not show that. So the program is told
which of its values are there. It is never told a value: that may be a secret.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Collection, Iterator
from typing import Any

from sealgate.dependencies import ActorDependency, PublicMark
from sealgate.inventory.attributes import class_of, is_a, own, text, value
from sealgate.inventory.names import bare

Held = tuple[tuple[str, str], ...]

PARTIAL = "functools.partial"
"""What is held by a callable of which some arguments are fixed."""

WRAPS = "functools.wraps"
"""What is held by a callable that was put around another one, and has its name."""

_MOST = 64
_DEEPEST = 3
_COLLECTIONS = (str, bytes, list, tuple, set, frozenset, dict)
_PLAIN = (bool, *_COLLECTIONS)


def held(thing: Any) -> Held:
    """The names of what a callable holds, and of each `none`, `true`, `false`, `empty`, `items` or `set`.

    Of a function those are its free variables, and of an object or a method what the object holds; what that
    holds in turn has a dot in its name.
    """
    if is_a(thing, functools.partial):
        return ((PARTIAL, "set"),)
    thing = bare(thing)
    if not is_a(thing, type) and value(thing, "__wrapped__") is not None:
        return ((WRAPS, "set"),)
    if (text(class_of(thing), "__module__") or "").startswith(("fastapi.", "starlette.")):
        return ()
    if is_a(thing, type, ActorDependency, PublicMark):
        return ()
    if is_a(thing, types.FunctionType):
        return tuple(_free(thing))[:_MOST]
    if is_a(thing, types.MethodType):
        thing = thing.__self__
        if is_a(thing, type):
            return ()
    return tuple(_fields(thing, "", 1))[:_MOST]


def _free(function: types.FunctionType) -> Iterator[tuple[str, str]]:
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=False):
        try:
            inside = cell.cell_contents
        except ValueError:  # It was never given a value.
            continue
        if not callable(inside):
            yield from _told(name, inside, 1)


def _fields(thing: Any, prefix: str, depth: int) -> Iterator[tuple[str, str]]:
    fields = {**_of_class(thing), **own(thing)}
    for name in list(fields)[:_MOST]:
        if type(name) is str and "." not in name and not callable(fields[name]):
            yield from _told(f"{prefix}{name}", fields[name], depth)


def _of_class(thing: Any) -> dict[str, Any]:
    """What its class holds for all its objects: defaults, as a rule."""
    found: dict[str, Any] = {}
    for cls in reversed(class_of(thing).__mro__):
        if cls.__module__ != "builtins":
            plain = {name: made for name, made in vars(cls).items() if not name.startswith("__")}
            found |= {name: made for name, made in plain.items() if made is None or type(made) in _PLAIN}
    return found


def _told(name: str, thing: Any, depth: int) -> Iterator[tuple[str, str]]:
    if thing is None:
        yield name, "none"
    elif thing is True or thing is False:
        yield name, str(thing).lower()
    elif type(thing) in _COLLECTIONS:
        yield name, _size(thing)
    else:
        below = tuple(_fields(thing, f"{name}.", depth + 1)) if depth < _DEEPEST else ()
        yield from below or ((name, "set"),)


def _size(thing: Collection[Any]) -> str:
    if not thing:
        return "empty"
    return "set" if type(thing) in (str, bytes) else "items"
