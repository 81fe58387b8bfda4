"""Looking at objects that may answer anything, or raise, whatever they are asked."""

from __future__ import annotations

from typing import Any, cast


def is_a(thing: object, *classes: type[Any]) -> bool:
    """Whether the class of `thing` says so. What `__class__` says is not believed: stand-ins lie there."""
    return issubclass(type(thing), classes)


def class_of(thing: object) -> type[Any]:
    """The class of `thing`, likewise."""
    return cast("type[Any]", type(thing))


def value(thing: Any, name: str) -> Any:
    """An attribute, or `None` where it cannot be had."""
    try:
        return getattr(thing, name, None)
    except Exception:
        return None


def text(thing: Any, name: str) -> str | None:
    """An attribute that is a text, or `None`."""
    found = value(thing, name)
    return found if type(found) is str else None


def items(thing: Any) -> list[Any]:
    """A list as it is, and an empty one for anything else."""
    return cast("list[Any]", thing) if is_a(thing, list) else []


def options(thing: Any) -> dict[str, Any]:
    """A dictionary as it is, and an empty one for anything else."""
    return cast("dict[str, Any]", thing) if is_a(thing, dict) else {}


def own(thing: Any) -> dict[str, Any]:
    """What an object itself holds, without running any code of it."""
    try:
        return options(object.__getattribute__(thing, "__dict__"))
    except (AttributeError, TypeError):
        return {}


def said(error: BaseException) -> str:
    """What an exception says, on one line."""
    try:
        words = " ".join(str(error).split())
    except Exception:
        words = "it does not say why"
    return f"{type(error).__name__}: {words}"[:240]
