"""Revocations of every kind, at random."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from random import Random
from typing import Any
from urllib.parse import quote

import httpx

from chaos.ledger import Act, Credential, Ledger
from chaos.minting import Mint, Someone
from chaos.world import TENANTS, World

WEIGHTS = {
    "session": 40,
    "token": 14,
    "delegation": 10,
    "user": 10,
    "user disabled": 4,
    "machine": 8,
    "tenant": 3,
    "role": 4,
    "application's sessions": 3,
}
"""How often each comes; everything and the key come at moments of their own."""


class Revoker:
    """Revokes, and enters in the ledger what must be refused from then on."""

    def __init__(self, world: World, ledger: Ledger, mint: Mint, random: Random) -> None:
        """Revokes what `mint` made."""
        self.world = world
        self.ledger = ledger
        self.mint = mint
        self.random = random
        self.weights = dict(WEIGHTS)

    async def look(self) -> None:
        """Leaves out what this control plane cannot revoke."""
        described = await self.world.administer("GET", "/openapi.json")
        if not any("delegation" in path for path in described["paths"]):
            del self.weights["delegation"]

    async def run(self, every: float, seconds: float) -> None:
        """Revokes something every so many seconds, and twice in the run what ends everything."""
        began = time.monotonic()
        broad = [
            (began + seconds * self.random.uniform(0.25, 0.45), self.key),
            (began + seconds * self.random.uniform(0.6, 0.8), self.everything),
        ]
        while True:
            await asyncio.sleep(every * self.random.uniform(0.3, 1.7))
            if broad and time.monotonic() > broad[0][0]:
                await broad.pop(0)[1]()
                continue
            kinds, weights = list(self.weights), list(self.weights.values())
            await self.one(self.random.choices(kinds, weights)[0])

    async def one(self, kind: str) -> None:
        """Revokes one thing of a kind, if there is any."""
        live = [one for one in self.ledger.credentials if one.is_live()]
        act = {
            "session": self._session,
            "token": self._token,
            "delegation": self._delegation,
            "user": self._user,
            "user disabled": self._user_disabled,
            "machine": self._machine,
            "tenant": self._tenant,
            "role": self._role,
            "application's sessions": self._application,
        }[kind]
        await act(live)

    async def session(self, of: Callable[[Credential], bool]) -> bool:
        """Revokes a session of those that fit; whether there was one."""
        fit = [one for one in self.ledger.credentials if one.is_live() and one.session and of(one)]
        if fit:
            await self._session(fit)
        return bool(fit)

    async def _session(self, live: list[Credential]) -> None:
        if one := self._any(live, lambda one: bool(one.session)):
            path = f"/sessions/{one.session}/revoke"
            await self._act("session", lambda other: other.session == one.session, path, is_broad=False)

    async def _token(self, live: list[Credential]) -> None:
        """The one token, given up by whom it was given to (RFC 7009)."""
        one = self._any(live, lambda one: one.client in self.mint.machines)
        if one is None:
            return
        secret = self.mint.machines[one.client]
        token = one.header[1].removeprefix("Bearer ")

        async def revoke() -> None:
            async with httpx.AsyncClient(base_url=self.world.plane.direct, timeout=10) as http:
                answer = await http.post("/oauth/revoke", data={"token": token}, auth=(one.client, secret))
            answer.raise_for_status()

        await self._do(Act("token", lambda other: other is one, time.monotonic(), is_broad=False), revoke)

    async def _delegation(self, live: list[Credential]) -> None:
        if one := self._any(live, lambda one: bool(one.grant)):
            await self._act(
                "delegation", lambda other: other.grant == one.grant, f"/delegations/{one.grant}/revoke"
            )

    async def _user(self, live: list[Credential]) -> None:
        someone = self.random.choice(self.mint.people)
        await self._act("user", lambda one: one.user == someone.id, f"/users/{someone.id}/sign-out")
        self._signed_out(someone)

    async def _user_disabled(self, live: list[Credential]) -> None:
        someone = self.random.choice(self.mint.people)
        await self._act("user disabled", lambda one: one.user == someone.id, f"/users/{someone.id}/disable")
        await self._insist(lambda: self.world.administer("POST", f"/users/{someone.id}/enable"))
        self._signed_out(someone)

    async def _machine(self, live: list[Credential]) -> None:
        machine = self.random.choice(list(self.mint.machines))
        body = {"client": machine}
        await self._act("machine", lambda one: one.client == machine, "/sessions/revoke", body)

    async def _application(self, live: list[Credential]) -> None:
        name = self.random.choice(["sessions", "roles", "web", "agent"])

        def hits(one: Credential) -> bool:
            # What the agent got by exchange comes from sessions on "web".
            return one.client == name or (name == "web" and one.client == "agent")

        await self._act("application's sessions", hits, "/sessions/revoke", {"client": name})

    async def _tenant(self, live: list[Credential]) -> None:
        tenant = self.random.choice(TENANTS)
        await self._act("tenant", lambda one: one.tenant == tenant, "/sessions/revoke", {"tenant": tenant})
        for someone in self.mint.people:
            if someone.tenant == tenant:
                self._signed_out(someone)

    async def _role(self, live: list[Credential]) -> None:
        """A role is taken away: what asked for it is refused, whatever else becomes of the sessions."""
        fit = [one for one in self.mint.people if one.has_role]
        if len(fit) <= len(self.mint.people) // 2:
            return
        someone = self.random.choice(fit)
        someone.has_role = False
        now = time.monotonic()
        act = Act("role", lambda one: one.user == someone.id and one.path == "/books", now)
        path, body = f"/users/{someone.id}", {"roles": ["reader"]}
        # Tokens that tell of the role are to be replaced by others. Sessions go on, renewed.
        for one in live:
            if one.user == someone.id and one.header[0] == "authorization":
                one.doubtful = min(one.doubtful, now)
        await self._do(act, lambda: self.world.administer("PATCH", path, body))
        self.mint.hold_off(someone)

    async def key(self) -> None:
        """The key that signs is revoked, and whatever it signed."""
        keys = (await self._insist(lambda: self.world.administer("GET", "/keys")))["keys"]
        kid = next(key["kid"] for key in keys if key["state"] == "active" and key["algorithm"] == "EdDSA")
        await self._act("key", lambda _: True, f"/keys/{quote(kid)}/revoke")
        self.mint.hold_off()

    async def everything(self) -> None:
        """Everything is revoked."""
        await self._act("everything", lambda _: True, "/sessions/revoke", {"all": True})
        self.mint.hold_off()
        for someone in self.mint.people:
            someone.cookies = {}

    def _signed_out(self, someone: Someone) -> None:
        someone.cookies = {}
        self.mint.hold_off(someone)

    def _any(self, live: list[Credential], fits: Callable[[Credential], bool]) -> Credential | None:
        fit = [one for one in live if fits(one)]
        return self.random.choice(fit) if fit else None

    async def _act(
        self,
        kind: str,
        hits: Callable[[Credential], bool],
        path: str,
        body: dict[str, Any] | None = None,
        *,
        is_broad: bool = True,
    ) -> None:
        act = Act(kind, hits, time.monotonic(), is_broad=is_broad)
        await self._do(act, lambda: self.world.administer("POST", path, body))

    async def _do(self, act: Act, revoke: Callable[[], Any]) -> None:
        self.ledger.begin(act)
        await self._insist(revoke)
        self.ledger.finish(act, time.monotonic())

    async def _insist(self, call: Callable[[], Any]) -> Any:
        """Calls until it is answered: the control plane may be down, and what it did then is not known."""
        while True:
            try:
                return await call()
            except httpx.HTTPStatusError as error:
                if error.response.status_code < 500:
                    raise
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.05)
