"""The log of decisions: one record per refusal, ended connection, withheld answer, request that goes on
against the rule and, at level DEBUG, any other allowed request.

The logger is `sealgate.decisions`. What a record is about stands in its attributes, so that any structured
formatter can write it out; none of them is a secret, and the query is never among them.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, MutableMapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sealgate._core import Core, Decision
    from sealgate.actors import Actor
    from sealgate.targets import Target

_log = logging.getLogger("sealgate.decisions")

is_enabled_for = _log.isEnabledFor
"""Whether anybody wants records of a level: asked before anything is made for one."""

ALLOWED = logging.DEBUG
REFUSED = logging.INFO
EXCEPTION = logging.WARNING

_WHO = ("actor_kind", "actor", "client", "credential", "session", "token")
_NOBODY: dict[str, str | None] = dict.fromkeys(_WHO)


def allowed(
    core: Core, scope: Mapping[str, Any], target: Target, actor: Actor | None, reason: str = ""
) -> None:
    """A request goes on to the application: as a rule, or for `reason`, which somebody has to know of."""
    extra = {
        **_request(scope),
        "route": target.template,
        "outcome": "allowed",
        "reason": reason or None,
        "status": None,
        **_who(core, actor),
    }
    if reason:
        _log.warning("allowed: %s", reason, extra=extra)
    else:
        _log.debug("allowed", extra=extra)


def refused(core: Core, scope: MutableMapping[str, Any], target: Target, decision: Decision | None) -> None:
    """The gate answers a request with a refusal; without a decision, because it was stopped meanwhile."""
    reason = "gate_stopped" if decision is None else decision.reason
    if decision is None:
        core.note_outcome(scope, "refused", reason, 503, None, target.template)
    elif reason:
        core.note_decision(scope, decision, target.template)
    if not reason or not _log.isEnabledFor(REFUSED):
        return
    told = {} if decision is None else decision.record or {}
    extra = {**_request(scope), "route": target.template, "outcome": "refused", "reason": reason}
    status = 503 if decision is None else decision.status
    _log.info("refused: %s", reason, extra={**extra, "status": status, **_NOBODY, **told})


def refused_inside(
    core: Core, scope: MutableMapping[str, Any], actor: Actor | None, decision: Decision
) -> None:
    """A check that the application asked for refuses what the layer let in."""
    template = _template(scope)
    core.note_decision(scope, decision, template)
    if _log.isEnabledFor(REFUSED):
        extra = {**_request(scope), "route": template, "outcome": "refused", "reason": decision.reason}
        _log.info(
            "refused: %s", decision.reason, extra={**extra, "status": decision.status, **_who(core, actor)}
        )


def ended(core: Core, scope: MutableMapping[str, Any], actor: Actor, reason: str) -> None:
    """A stream or WebSocket ends before its time."""
    core.note_outcome(scope, "ended", reason, None, actor, _template(scope))
    if _log.isEnabledFor(REFUSED):
        extra = {**_request(scope), "route": None, "outcome": "ended", "reason": reason, "status": None}
        _log.info("ended: %s", reason, extra={**extra, **_who(core, actor)})


def withheld(core: Core, scope: MutableMapping[str, Any], target: Target, actor: Actor | None) -> None:
    """The answer of the application is withheld: no decision stood behind what it came from."""
    core.note_outcome(scope, "withheld", "interlock", 500, actor, target.template)
    extra = {**_request(scope), "route": target.template, "outcome": "withheld", "reason": "interlock"}
    _log.error("withheld: interlock", extra={**extra, "status": 500, **_who(core, actor)})


def _template(scope: Mapping[str, Any]) -> str | None:
    """The route's path with the names of its parameters, where routing has come to one that says it."""
    path = getattr(scope.get("route"), "path", None)
    return path if isinstance(path, str) else None


def _request(scope: Mapping[str, Any]) -> dict[str, Any]:
    return {"transport": scope["type"], "method": scope.get("method", "GET"), "path": scope["path"]}


def _who(core: Core, actor: Actor | None) -> dict[str, str | None]:
    return _NOBODY if actor is None else core.record(actor)
