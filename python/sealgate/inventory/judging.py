"""What is known of a way in for sure: by Sealgate's own gates, or because nothing is there that could be one.

Everything else is left to the program, which reads the source of what runs before the handler.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from sealgate.inventory.document import GATED, OPEN, PUBLIC, UNRESOLVED, Gate, Route
from sealgate.inventory.found import Found, Seen
from sealgate.inventory.gates import UNMARKED, strength
from sealgate.inventory.names import need_name
from sealgate.needs import Need
from sealgate.public_paths import PublicPaths

NOT_JUDGED = "not judged yet"

_PARAMETER = re.compile(r"\{([^}:]*)(?::([^}]*))?\}")
_PATTERNS = {"int": "[0-9]+", "float": r"[0-9]+(?:\.[0-9]+)?", "path": ".*", "uuid": "[0-9a-fA-F-]{32,36}"}


@dataclass(frozen=True, slots=True)
class _Verdict:
    """What one gate does with a route."""

    gates: tuple[Gate, ...] = ()
    public: str | None = None
    """Why it lets in everybody, if it does."""
    optional: bool = False
    """Whether it lets in nobody too, because the route asked for that."""


def judged(found: Found, app: str, *, around: bool, paths: Collection[str]) -> Route:
    """The way in with what is known of it.

    `around` says that the application has middleware, and `paths` are those of all its routes.
    """
    verdicts = [_by_layer(found, seen, paths) for seen in found.seen]
    gates = tuple(gate for verdict in verdicts for gate in verdict.gates)
    if not verdicts:
        needs = found.needs()
        if not all(need.optional for need in needs):
            gates = _gates(needs, "dependency")
    evidence, reason = _evidence(found, verdicts, gates, around)
    return Route(
        app,
        found.path,
        found.methods,
        found.kind,
        found.endpoint,
        found.place,
        evidence,
        gates,
        reason,
        found.parts,
    )


def _evidence(
    found: Found, verdicts: list[_Verdict], gates: tuple[Gate, ...], around: bool
) -> tuple[str, str | None]:
    # Behind several gates all of them have to let somebody in: the strictest one counts.
    if verdicts:
        if any(verdict.gates and verdict.public is None for verdict in verdicts):
            return GATED, None
        public = next((verdict.public for verdict in verdicts if verdict.public is not None), None)
        if public is not None and not any(verdict.optional for verdict in verdicts):
            return PUBLIC, public
        return OPEN, "it lets in those who are not signed in, too: gate.optional"
    if gates:
        return GATED, None
    if found.problem is not None:
        return UNRESOLVED, found.problem
    if found.parts or around:
        return UNRESOLVED, NOT_JUDGED
    return OPEN, "nothing runs before it"


def _by_layer(found: Found, seen: Seen, paths: Collection[str]) -> _Verdict:
    asked, view = seen.asked, seen.view
    if asked is not None and asked.need is not None:
        # Where marks contradict each other, the one that asks for somebody wins.
        if asked.need.optional:
            return _Verdict(optional=True)
        return _Verdict(_gates(found.needs(view.marks), "layer"))
    if asked is not None and asked.reasons:
        return _Verdict(public="; ".join(dict.fromkeys(asked.reasons)))
    if seen.docs and view.understands and view.marks.core.docs_open:
        return _Verdict(public="the documentation pages are open")
    unmarked = Gate("sealgate:Gate", "layer", UNMARKED)
    if view.need is not None:
        if view.need.optional:
            return _Verdict(optional=True)
        (unmarked,) = _gates((view.need,), "layer")
    declared = _declared(view.declared, found, view.prefix, paths)
    if declared is None:
        return _Verdict((unmarked,))
    whole, reason = declared
    return _Verdict(() if whole else (unmarked,), public=reason)


def _gates(needs: Iterable[Need], placement: str) -> tuple[Gate, ...]:
    """A gate for each need. One that lets in nobody too asks something of those who are there."""
    told = (need for need in needs if not need.optional or need.demanding)
    return tuple(Gate(need_name(need), placement, strength(need)) for need in told)


def _declared(
    declared: PublicPaths, found: Found, prefix: int, paths: Collection[str]
) -> tuple[bool, str] | None:
    """Whether all of the path, or a part of it, was declared public, and why.

    Half public is told as public: whoever reviews it has to see that.
    """
    path = found.path[prefix:]
    if "{" not in path and not found.subtree:
        reason = declared.reason(path)
        return None if reason is None else (True, reason)
    stem = path.partition("{")[0] if "{" in path else f"{path}/"
    pattern = _pattern(path, subtree=found.subtree)
    for public, reason in declared.declared().items():
        start = public.removesuffix("*")
        if public.endswith("*"):
            if stem.startswith(start):
                return True, reason
            if start.startswith(stem):
                return False, f"{public} is public: {reason}"
        elif pattern.fullmatch(public) and found.path[:prefix] + public not in paths:
            return False, f"{public} is public: {reason}"
    return None


def _pattern(path: str, *, subtree: bool) -> re.Pattern[str]:
    """What a path matches; a parameter of an unknown kind could match anything."""
    pieces: list[str] = []
    end = 0
    for parameter in _PARAMETER.finditer(path):
        kind = parameter[2]
        pieces += [
            re.escape(path[end : parameter.start()]),
            "[^/]+" if not kind else _PATTERNS.get(kind, ".*"),
        ]
        end = parameter.end()
    pieces.append(re.escape(path[end:]))
    return re.compile("".join(pieces) + ("(?:/.*)?" if subtree else ""))
