"""What is asked of an actor, and what two such askings come to together."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sealgate._core import Core

USER, MACHINE, AGENT = "user", "machine", "agent"
ANY_KIND = frozenset({USER, MACHINE, AGENT})

_MOST_SECONDS = 2**32 - 1
_ACTION = re.compile(r"[A-Za-z0-9._:/-]{1,128}\Z")

_Groups = frozenset[frozenset[str]]
_NONE: frozenset[str] = frozenset()
_NO_GROUPS: _Groups = frozenset()


class ContradictionError(ValueError):
    """Two askings that nobody can meet together."""


@dataclass(frozen=True, slots=True)
class Need:
    """What is asked of an actor. All of it has to hold."""

    kinds: frozenset[str]
    """The kinds of actor that are taken."""
    optional: bool = False
    """Whether nobody is fine too."""
    scopes: frozenset[str] = _NONE
    any_scopes: _Groups = _NO_GROUPS
    """Of each group at least one."""
    roles: frozenset[str] = _NONE
    any_roles: _Groups = _NO_GROUPS
    """Of each group at least one."""
    acr: tuple[str, ...] = ()
    """Any of them, the preferred one first."""
    max_age: int | None = None
    """Whole seconds."""
    tenant: str | None = None
    tenants_from: frozenset[str] = _NONE
    """Path parameters that name the tenant. They are known only after routing: the dependency judges them."""
    actions: frozenset[str] = _NONE
    """What is done there, as the policies call it: all of it has to be allowed with the route."""
    stale_ok: bool = False
    """Whether the route may be served for a while by a revocation view that is not fresh, where the settings
    allow it. It asks nothing of the actor: of several marks on a route, one that says so is enough.
    """

    def and_(self, other: Need) -> Need:
        """Both at once. Raises `ContradictionError` where no actor can meet both."""
        kinds = self.kinds & other.kinds
        if not kinds:
            raise ContradictionError(f"asks for {_kinds(self.kinds)} and for {_kinds(other.kinds)}")
        acr = self.acr or other.acr
        if self.acr and other.acr:
            acr = tuple(name for name in self.acr if name in other.acr)
            if not acr:
                raise ContradictionError(f"asks for acr {list(self.acr)} and for acr {list(other.acr)}")
        if self.tenant and other.tenant and self.tenant != other.tenant:
            raise ContradictionError(f"asks for tenant {self.tenant!r} and for tenant {other.tenant!r}")
        ages = [age for age in (self.max_age, other.max_age) if age is not None]
        both = Need(
            kinds=kinds,
            optional=self.optional and other.optional,
            scopes=self.scopes | other.scopes,
            any_scopes=_strictest(self.any_scopes | other.any_scopes),
            roles=self.roles | other.roles,
            any_roles=_strictest(self.any_roles | other.any_roles),
            acr=acr,
            max_age=min(ages, default=None),
            tenant=self.tenant or other.tenant,
            tenants_from=self.tenants_from | other.tenants_from,
            actions=self.actions | other.actions,
            stale_ok=self.stale_ok or other.stale_ok,
        )
        both.check()
        return both

    def check(self) -> None:
        """Raises `ContradictionError` when nobody can meet this."""
        if (self.acr or self.max_age is not None) and USER not in self.kinds:
            raise ContradictionError(
                f"asks for {_kinds(self.kinds)} and for acr or max_age: only users sign in"
            )

    def with_scopes(self, scopes: Iterable[str]) -> Need:
        """The same with these scopes too."""
        return replace(self, scopes=self.scopes | frozenset(scopes))

    @property
    def demanding(self) -> bool:
        """Whether some actor could be refused."""
        return self != Need(ANY_KIND, optional=self.optional, stale_ok=self.stale_ok)

    def number(self, core: Core, route: str | None = None) -> int:
        """The core's number for this. It takes one group of alternatives: of several, the dependencies
        that asked for them judge the others. Actions are judged with `route`, and without one never allowed.
        """
        return core.require(
            sorted(self.kinds),
            optional=self.optional,
            scopes=sorted(self.scopes),
            any_scopes=_first(self.any_scopes),
            roles=sorted(self.roles),
            any_roles=_first(self.any_roles),
            acr=list(self.acr),
            max_age=self.max_age,
            tenant=self.tenant,
            stale_ok=self.stale_ok,
            actions=sorted(self.actions),
            route=route if self.actions else None,
        )

    def __str__(self) -> str:
        """The keywords that ask for this."""
        said: dict[str, object] = {
            "scopes": sorted(self.scopes),
            "any_scopes": _first(self.any_scopes),
            "roles": sorted(self.roles),
            "any_roles": _first(self.any_roles),
            "acr": list(self.acr),
            "max_age": self.max_age,
            "tenant": self.tenant,
            "tenant_from": min(self.tenants_from, default=None),
            "action": min(self.actions, default=None),
            "stale": "allow" if self.stale_ok else None,
        }
        return ", ".join(f"{name}={value!r}" for name, value in said.items() if value not in ([], None))


def asked(
    kinds: frozenset[str],
    *,
    scopes: Iterable[str] = (),
    any_scopes: Iterable[str] = (),
    roles: Iterable[str] = (),
    any_roles: Iterable[str] = (),
    acr: Iterable[str] = (),
    max_age: int | None = None,
    tenant: str | None = None,
    tenant_from: str | None = None,
    action: str | None = None,
    stale: str | None = None,
) -> Need:
    """The need that these keywords ask for. Raises `TypeError` and `ValueError` for what none can be."""
    # The values come from people's code, which is not always type-checked.
    whole = isinstance(max_age, int) and not isinstance(max_age, bool)
    if max_age is not None and not (whole and 1 <= max_age <= _MOST_SECONDS):
        raise ValueError(f"max_age is a whole number of seconds, 1 or more, and not {max_age!r}")
    for name, value in (("tenant", tenant), ("tenant_from", tenant_from)):
        if value is not None and (type(value) is not str or not value):
            raise ValueError(f"{name} is a name, and not {value!r}")
    if action is not None:
        checked_action(action)
    if stale not in (None, "allow"):
        raise ValueError(f'stale is "allow" or nothing, and not {stale!r}')
    need = Need(
        kinds=kinds,
        scopes=frozenset(_names("scopes", scopes)),
        any_scopes=_group(_names("any_scopes", any_scopes)),
        roles=frozenset(_names("roles", roles)),
        any_roles=_group(_names("any_roles", any_roles)),
        acr=tuple(dict.fromkeys(_names("acr", acr))),
        max_age=max_age,
        tenant=tenant,
        tenants_from=_NONE if tenant_from is None else frozenset({tenant_from}),
        actions=_NONE if action is None else frozenset({action}),
        stale_ok=stale is not None,
    )
    need.check()
    return need


def checked_action(action: str) -> str:
    """The name of an action. Raises `ValueError` for what is none."""
    # The value comes from people's code, which is not always type-checked.
    if type(action) is not str or _ACTION.match(action) is None:
        raise ValueError(f'{action!r} is no action: write letters, digits and "._:/-"')
    return action


def _names(what: str, names: Iterable[str]) -> tuple[str, ...]:
    if isinstance(names, str):
        raise TypeError(f"{what} is a list of names: write {what}=[{names!r}]")
    listed = tuple(names)
    for name in listed:
        if type(name) is not str or not name or name.split() != [name]:
            raise ValueError(f"{what} holds {name!r}, which is no name")
    return listed


def _group(names: tuple[str, ...]) -> _Groups:
    return frozenset({frozenset(names)}) if names else _NO_GROUPS


def _first(groups: _Groups) -> list[str]:
    return sorted(min(groups, key=sorted, default=_NONE))


def _strictest(groups: _Groups) -> _Groups:
    """Without those that hold whenever another one does."""
    return frozenset(group for group in groups if not any(other < group for other in groups))


def _kinds(kinds: frozenset[str]) -> str:
    return " or ".join(f"a{'n' if kind == AGENT else ''} {kind}" for kind in sorted(kinds))
