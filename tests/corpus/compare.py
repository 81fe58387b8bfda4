"""What a scan told, beside what is true."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from corpus.inventory import Route
from corpus.truth import TrueRoute, Truth

FLAGGED = ("OPEN", "UNRESOLVED", "PUBLIC")
"""What a reviewer gets to see of a route."""

_Key = tuple[str, str, tuple[str, ...]]


@dataclass(frozen=True)
class Comparison:
    """The figures of one application. Shares are between 0 and 1, or None of nothing."""

    app: str
    """The application of the scan that was compared."""
    true_routes: int
    found: float
    """Routes of the truth that the scan has too, by path, methods and kind."""
    endpoints: float | None
    """Routes that were found whose handler is the right one."""
    ungated_flagged: float | None
    gated_open: float | None
    gated_unresolved: float | None
    missing: tuple[TrueRoute, ...]
    """Routes that the scan lacks."""
    unflagged: tuple[TrueRoute, ...]
    """Routes without a gate that the scan does not show as such, those that it lacks among them."""
    wrongly_open: tuple[TrueRoute, ...]
    unresolved: tuple[tuple[TrueRoute, str], ...]
    """Routes with a gate that the scan did not find, and why."""
    extra: tuple[Route, ...]
    """Routes that only the scan has."""


def compare(truth: Truth, routes: Iterable[Route]) -> Comparison:
    """Compares the truth with that application of a scan which it is about."""
    by_app: defaultdict[str, list[Route]] = defaultdict(list)
    for route in routes:
        by_app[route.app].append(route)
    app = _app_of(truth, by_app)
    pairs, extra = _paired(truth.routes, by_app[app])
    found = [(true, told) for true, told in pairs if told is not None]
    expanded = [true for true, told in pairs if told is None and _is_expanded(true, by_app[app])]
    handlers = [(true, told) for true, told in found if true.endpoint is not None and true.kind != "docs"]
    gated = [(true, told) for true, told in pairs if true.gated]
    ungated = [(true, told) for true, told in pairs if true.gated is False]
    unflagged = tuple(
        true
        for true, told in ungated
        if (told.evidence not in FLAGGED if told else not _stood_for(true, extra))
    )
    wrongly_open = tuple(true for true, told in gated if told is not None and told.evidence == "OPEN")
    unresolved = tuple(
        (true, told.reason or "")
        for true, told in gated
        if told is not None and told.evidence == "UNRESOLVED"
    )
    return Comparison(
        app=app,
        true_routes=len(truth.routes),
        found=(len(found) + len(expanded)) / len(truth.routes),
        endpoints=_share(sum(true.endpoint == told.endpoint for true, told in handlers), len(handlers)),
        ungated_flagged=_share(len(ungated) - len(unflagged), len(ungated)),
        gated_open=_share(len(wrongly_open), len(gated)),
        gated_unresolved=_share(len(unresolved), len(gated)),
        missing=tuple(true for true, told in pairs if told is None and true not in expanded),
        unflagged=unflagged,
        wrongly_open=wrongly_open,
        unresolved=unresolved,
        extra=tuple(extra),
    )


def _app_of(truth: Truth, by_app: dict[str, list[Route]]) -> str:
    """The application of that name, or else the one with the most routes in common: some were put together
    for the truth by a program that the package does not have.
    """
    if truth.target in by_app:
        return truth.target
    true = {key(route) for route in truth.routes}
    in_common = {app: len(true & {key(route) for route in routes}) for app, routes in by_app.items()}
    return max(in_common, key=lambda app: in_common[app], default="")


def _paired(
    true_routes: Iterable[TrueRoute], told_routes: Iterable[Route]
) -> tuple[list[tuple[TrueRoute, Route | None]], list[Route]]:
    """Each true route with the one that was told for it, the right handler first where there are several."""
    told: defaultdict[_Key, list[Route]] = defaultdict(list)
    for route in told_routes:
        told[key(route)].append(route)
    pairs: list[tuple[TrueRoute, Route | None]] = []
    for true in true_routes:
        same = told[key(true)]
        best = next((route for route in same if route.endpoint == true.endpoint), same[0] if same else None)
        if best is not None:
            same.remove(best)
        pairs.append((true, best))
    return pairs, [route for rest in told.values() for route in rest]


def _is_expanded(true: TrueRoute, told: Iterable[Route]) -> bool:
    """Whether it is a mount that the scan tells by what is below it."""
    return true.kind == "mount" and any(route.path.startswith(true.path.rstrip("/") + "/") for route in told)


def _stood_for(true: TrueRoute, told: Iterable[Route]) -> bool:
    """Whether the scan says that the routes of its module, which is in no package, cannot be told."""
    whole = (route for route in told if route.evidence == "UNRESOLVED" and not route.methods)
    return _module(true) in {_module(route) for route in whole}


def _module(route: TrueRoute | Route) -> str | None:
    return route.endpoint.partition(":")[0] if route.endpoint else None


def key(route: TrueRoute | Route) -> _Key:
    """What makes two routes the same one.

    Converters are left out (`{rest:path}` is `{rest}`), and `HEAD` beside `GET`, which the framework adds by
    itself to some. Files and other applications below a path are mounts; documentation is a route.
    """
    kind = {"static": "mount", "frontend": "mount", "docs": "http"}.get(route.kind, route.kind)
    path = re.sub(r"\{(\w+):\w+\}", r"{\1}", route.path)
    if kind == "mount":
        return kind, path.rstrip("/"), ()
    if kind == "websocket":
        return kind, path, ()
    methods = set(route.methods)
    if "GET" in methods:
        methods.discard("HEAD")
    return kind, path, tuple(sorted(methods))


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
