"""Paths that are public whatever serves them: static files, documentation pages, raw ASGI routes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sealgate.dependencies import checked_reason


class PublicPaths:
    """Declared public paths: exact ones, and subtrees written with a trailing `/*`."""

    def __init__(self) -> None:
        """Starts with none: everything is closed."""
        self._exact: dict[str, str] = {}
        self._trees: dict[str, str] = {}
        self.changes = 0
        """How often a path was declared. Every request asks."""

    def add(self, path: str, reason: str) -> None:
        """Declares `path` public. Raises `ValueError` for a path or reason that cannot be used."""
        reason = checked_reason(reason)
        tree = path.endswith("/*")
        stem = path[:-1] if tree else path
        if not stem.startswith("/") or "*" in stem or not _is_plain(stem):
            raise ValueError(f"{path!r} is no public path: write '/exact/path' or '/subtree/*'")
        if stem == "/" and tree:
            raise ValueError("'/*' would open every route that is not marked: name the paths")
        (self._trees if tree else self._exact)[stem] = reason
        self.changes += 1

    def reason(self, path: str) -> str | None:
        """Why `path` is public, or `None`. A path with `..`, `//` or a backslash never is: what serves it may
        read it as another one.
        """
        if not self._exact and not self._trees:
            return None
        if not _is_plain(path):
            return None
        reason = self._exact.get(path)
        if reason is None:
            for tree, why in self._trees.items():
                if path.startswith(tree):
                    return why
        return reason

    def declared(self) -> dict[str, str]:
        """Every declared path with its reason: subtrees with their trailing `/*`, after the exact ones."""
        return {**self._exact, **{f"{tree}*": reason for tree, reason in self._trees.items()}}


def route_path(scope: Mapping[str, Any]) -> str:
    """The request's path as the application's routes see it: without the path it is served under."""
    path: str = scope["path"]
    root: str = scope.get("root_path", "")
    if root and path.startswith(root) and (len(path) == len(root) or path[len(root)] == "/"):
        return path[len(root) :]
    return path


def _is_plain(path: str) -> bool:
    if "//" in path or "\\" in path or "%" in path or "\0" in path:
        return False
    return not any(part in (".", "..") for part in path.split("/"))
