"""What callables are called, and where they are written."""

from __future__ import annotations

import ast
import functools
import inspect
import os
import tokenize
import types
from typing import Any

from sealgate.dependencies import ActorDependency, PublicMark
from sealgate.inventory.attributes import class_of, is_a, options, text, value
from sealgate.inventory.document import Place
from sealgate.needs import Need

_MOST_WRAPPERS = 32


class Names:
    """Names and places, remembered for one reading of an application."""

    def __init__(self) -> None:
        """Files below the working directory are told relative to it."""
        self._folders = {os.getcwd(), os.path.realpath(os.getcwd())}
        self._lines: dict[str, dict[str, int]] = {}

    def name(self, thing: Any) -> str:
        """`module:qualname` of a function or class; `module:Class.__call__` of anything else.

        A security scheme that denies nobody by itself says so: `HTTPBearer(auto_error=False).__call__`.
        """
        thing = bare(thing)
        if is_a(thing, PublicMark):
            return "sealgate:Gate.public"
        if is_a(thing, ActorDependency):
            return need_name(thing.need)
        qualname = text(thing, "__qualname__")
        if qualname is not None:
            return f"{text(thing, '__module__') or 'builtins'}:{qualname}"
        lenient = "(auto_error=False)" if value(thing, "auto_error") is False else ""
        return f"{class_name(thing)}{lenient}.__call__"

    def place(self, thing: Any) -> Place | None:
        """Where a callable is written; of an object that is called, the `__call__` of its class. `None` where
        Python does not know. The line of a decorated function is that of its first decorator.
        """
        thing = bare(thing)
        if is_a(thing, ActorDependency, PublicMark):
            return None
        if is_a(thing, type):
            return self._class(thing)
        code = _code(thing) or _code(value(class_of(thing), "__call__"))
        return (
            self._class(class_of(thing)) if code is None else self.at(code.co_filename, code.co_firstlineno)
        )

    def wrappers(self, thing: Any) -> list[tuple[str, Place | None]]:
        """The functions that decorators put around `thing`, outermost first, under their own names."""
        found: list[tuple[str, Place | None]] = []
        thing = bare(thing)
        for _ in range(_MOST_WRAPPERS):
            inner = value(thing, "__wrapped__")
            if inner is None:
                break
            function = _function(thing)
            code = value(function, "__code__")
            if is_a(code, types.CodeType):
                module = options(value(function, "__globals__")).get("__name__", "builtins")
                found.append((f"{module}:{code.co_qualname}", self.at(code.co_filename, code.co_firstlineno)))
            thing = bare(inner)
        return found

    def made(self, module: types.ModuleType, name: str) -> Place | None:
        """Where `name` is first given its value at the top of `module`."""
        file = text(module, "__file__")
        line = None if file is None else self._read(file).get(f"={name}")
        return None if file is None or line is None else self.at(file, line)

    def at(self, file: str, line: int) -> Place | None:
        """A place in a file, as the document names files; `None` for code without one."""
        if file.startswith("<"):
            return None
        whole = os.path.abspath(file)
        for folder in self._folders:
            below = whole.removeprefix(folder + os.sep)
            if below != whole:
                whole = below
                break
        return Place(whole.replace(os.sep, "/"), max(line, 1))

    def _class(self, cls: type[Any]) -> Place | None:
        try:
            file = inspect.getsourcefile(cls)
        except (OSError, TypeError):
            return None
        line = None if file is None else self._read(file).get(cls.__qualname__.replace(".<locals>", ""))
        return None if file is None or line is None else self.at(file, line)

    def _read(self, file: str) -> dict[str, int]:
        """The lines of the classes of a file, and of the names that are given a value at its top."""
        found = self._lines.get(file)
        if found is None:
            found = self._lines[file] = {}
            try:
                with tokenize.open(file) as source:
                    tree = ast.parse(source.read())
                _lines(tree, "", found)
            except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
                return found
        return found


def bare(thing: Any) -> Any:
    """What a `functools.partial` calls in the end, and a function that makefun has generated, as for the
    dependencies of fastapi-users: that has no source.
    """
    for _ in range(_MOST_WRAPPERS):
        if is_a(thing, functools.partial):
            thing = thing.func
            continue
        inner = value(thing, "__func_impl__") if is_a(thing, types.FunctionType) else None
        if not is_a(inner, types.FunctionType):
            break
        thing = inner
    return thing


def class_name(thing: object) -> str:
    """The class of an object, as `module:Class`."""
    cls = class_of(thing)
    return f"{cls.__module__}:{cls.__qualname__}"


def need_name(need: Need) -> str:
    """What the dependency for a need is called: `sealgate:Gate.user`, for several kinds `Gate.actor`."""
    if need.optional:
        return "sealgate:Gate.optional"
    return f"sealgate:Gate.{next(iter(need.kinds)) if len(need.kinds) == 1 else 'actor'}"


def _lines(tree: ast.AST, prefix: str, found: dict[str, int]) -> None:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            name = f"{prefix}{node.name}"
            if isinstance(node, ast.ClassDef):
                found.setdefault(name, min([node.lineno, *(one.lineno for one in node.decorator_list)]))
            _lines(node, f"{name}.", found)
            continue
        if not prefix and isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                for part in ast.walk(target):
                    if isinstance(part, ast.Name):
                        found.setdefault(f"={part.id}", node.lineno)
        if isinstance(node, ast.stmt | ast.ExceptHandler | ast.match_case):
            _lines(node, prefix, found)


def _function(thing: Any) -> Any:
    return thing.__func__ if is_a(thing, types.MethodType) else thing


def _code(thing: Any) -> types.CodeType | None:
    if is_a(thing, type):
        return None
    try:
        code: Any = value(_function(inspect.unwrap(thing)), "__code__")
    except Exception:  # It is wrapped around itself, or answers what it likes.
        return None
    return code if is_a(code, types.CodeType) else None
