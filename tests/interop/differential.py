"""The control plane beside oidc-provider: both are asked the same, and what differs is told."""

from __future__ import annotations

import json
import re
import ssl
from base64 import urlsafe_b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
from lab import Browser, Process, Tls, User, free_port, wait_until

from interop.bad_requests import AUTHORIZE, CASES, VERIFIER, Case
from interop.node import node
from interop.person import come_back
from interop.world import CALLBACK, DEVICE, LOGGED_OUT, NATIVE_CALLBACK, RESOURCE, SCOPES, World

HERE = Path(__file__).resolve().parent
OIDC = ["openid", "profile", "email", "offline_access"]
EVERYTHING = "openid profile email offline_access expenses:read"
Json = dict[str, Any]


@dataclass(slots=True)
class Server:
    """One of the two servers."""

    issuer: str
    secrets: Mapping[str, str]
    user: User
    tls: Tls | None = None
    http: httpx.Client = field(init=False)
    browser: Browser = field(init=False)

    def __post_init__(self) -> None:
        """Opens connections, and a browser that stays signed in."""
        verify = ssl.create_default_context(cafile=self.tls.authority) if self.tls else True
        self.http = httpx.Client(base_url=self.issuer, verify=verify, timeout=20)
        self.browser = Browser(self.tls, until=CALLBACK)

    def close(self) -> None:
        """Closes them."""
        self.http.close()
        self.browser.close()

    def basic(self, name: str | None) -> tuple[str, str] | None:
        """How the client of that name authenticates."""
        return None if name is None else (name, self.secrets.get(name, "wrong"))

    def code(self, **more: str) -> str:
        """A fresh code for the client `web`."""
        asked = {**AUTHORIZE, "scope": EVERYTHING, "prompt": "consent", "nonce": "n", **more}
        back = come_back(self.browser, f"{self.issuer}/oauth/authorize?{urlencode(asked)}", self.user)
        return parse_qs(urlsplit(back).query)["code"][0]

    def redeem(self, code: str, **more: Any) -> Json:
        """Redeems a code of the client `web`."""
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
        return self.post("/oauth/token", {**form, "code_verifier": VERIFIER}, "web", **more)

    def post(self, path: str, form: Mapping[str, str], name: str | None, **more: Any) -> Json:
        """Posts a form that must be taken."""
        answer = self.http.post(
            path, data=dict(form), auth=self.basic(name) or httpx.USE_CLIENT_DEFAULT, **more
        )
        if answer.is_error:
            raise AssertionError(f"{self.issuer}{path}: {answer.status_code} {answer.text}")
        return cast(Json, answer.json())

    def fresh(self, what: str) -> str:
        """What `{what}` stands for in a request."""
        machine = {"grant_type": "client_credentials", "scope": "expenses:read", "resource": RESOURCE}
        makers: dict[str, Callable[[], str]] = {
            "code": self.code,
            "used_code": self._used_code,
            "refresh": lambda: str(self.redeem(self.code())["refresh_token"]),
            "access": lambda: str(self.redeem(self.code())["access_token"]),
            "machine_access": lambda: str(self.post("/oauth/token", machine, "web")["access_token"]),
            "device_code": lambda: str(self.device()["device_code"]),
        }
        return makers[what]()

    def _used_code(self) -> str:
        code = self.code()
        self.redeem(code)
        return code

    def device(self) -> Json:
        """A device authorization."""
        return self.post("/oauth/device_authorization", {"client_id": "device", "scope": "openid"}, None)

    def outcome(self, case: Case) -> str:
        """What becomes of a request: status, error, challenge, and where it is told."""

        def filled(value: str) -> str:
            return re.sub(r"\{(\w+)\}", lambda found: self.fresh(found[1]), value)

        fields = [(name, filled(value)) for name, value in case.fields]
        headers = {name: filled(value) for name, value in case.headers.items()}
        page = case.endpoint in ("authorize", "logout")
        headers = {"accept": "text/html" if page else "application/json", **headers}
        more: dict[str, Any] = {"params": fields} if case.method == "GET" else {"content": urlencode(fields)}
        if case.method != "GET":
            headers["content-type"] = "application/x-www-form-urlencoded"
        if case.json is not None:
            more = {"json": case.json}
            del headers["content-type"]
        auth = self.basic(case.as_client)
        answer = self.http.request(case.method, case.path, headers=headers, auth=auth, **more)
        self.http.cookies.clear()
        return told(answer)


def told(answer: httpx.Response) -> str:
    """An answer in a few words."""
    location: str = answer.headers.get("location", "")
    if location.startswith((CALLBACK, LOGGED_OUT)):
        parts = urlsplit(location)
        given = parse_qs(parts.fragment or parts.query)
        what = given.get("error", ["a code" if "code" in given else "nothing"])[0]
        extra: list[str] = [name for name in ("state", "iss") if name in given]
        extra += ["in the fragment"] if parts.fragment else []
        return f"{answer.status_code} to the client: {', '.join([what, *extra])}"
    if location:
        return f"{answer.status_code}, goes on"
    kind = answer.headers.get("content-type", "").split(";")[0]
    if kind == "text/html":
        return f"{answer.status_code}, a page"
    body: Json = answer.json() if kind.endswith("json") and answer.content else {}
    words = [str(answer.status_code), *([str(body["error"])] if "error" in body else [])]
    if body.get("active") is not None:
        words.append(f"active {json.dumps(body['active'])}")
    schemes = re.findall(r"(?:^|, ?)([A-Za-z]+) [a-z]+=", answer.headers.get("www-authenticate", ""))
    return ", ".join([" ".join(words[:2]), *words[2:], *(f"challenge {scheme}" for scheme in schemes)])


Told = dict[str, str]


def metadata(server: Server) -> Told:
    """The members of the discovery document; lists without their order."""
    document: Json = server.http.get("/.well-known/openid-configuration").json()
    found: Told = {}
    for name, value in cast(dict[str, list[Any] | bool | str], document).items():
        if isinstance(value, list):
            text = " ".join(sorted(str(entry) for entry in value))
        else:
            text = (str(value) if isinstance(value, bool) else value).replace(server.issuer, "ISSUER")
        found[f"metadata: {name}"] = text
    return found


def refusals(server: Server) -> Told:
    """What becomes of each bad request."""
    return {case.name: server.outcome(case) for case in CASES}


def _part(token: str, index: int) -> Json:
    part = token.split(".")[index]
    return cast(Json, json.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4))))


def _shape(value: Any) -> str:
    """A value as far as it must be the same: yes and no as they are, the rest by type."""
    if isinstance(value, bool):
        return str(value)
    kinds: dict[str, str] = {"str": "text", "int": "number", "dict": "object", "list": "list"}
    return kinds[type(value).__name__]


_LITERAL = {"typ", "alg", "token_type", "expires_in", "scope", "active", "interval", "client_id"}


def _members(prefix: str, document: Json) -> Told:
    return {
        f"{prefix}: {name}": str(value) if name in _LITERAL else _shape(value)
        for name, value in document.items()
    }


def _token(prefix: str, token: str) -> Told:
    if token.count(".") != 2:
        return {f"{prefix}: form": "opaque"}
    found = {f"{prefix}: form": "JWT", **_members(f"{prefix} header", _part(token, 0))}
    return found | _members(prefix, _part(token, 1))


def answers(server: Server) -> Told:
    """The members of good answers and of the tokens in them."""
    plain = server.redeem(server.code())
    aimed = server.redeem(
        server.code(resource=RESOURCE),
    )
    machine = {"grant_type": "client_credentials", "scope": "expenses:read", "resource": RESOURCE}
    own = server.post("/oauth/token", machine, "service")
    again = server.post(
        "/oauth/token", {"grant_type": "refresh_token", "refresh_token": plain["refresh_token"]}, "web"
    )
    bearer = {"authorization": f"Bearer {again['access_token']}"}
    pushed = server.http.post(
        "/oauth/par",
        data=AUTHORIZE,
        auth=server.basic("web") or ("", ""),
    )
    told: Told = {
        **_members("code answer", plain),
        **_members("refresh answer", again),
        **_members("client credentials answer", own),
        **_token("ID token", plain["id_token"]),
        **_token("ID token after refresh", again["id_token"]),
        **_token("access token", plain["access_token"]),
        **_token("access token for a resource", aimed["access_token"]),
        **_token("access token of a service", own["access_token"]),
        **_members("userinfo", server.http.get("/oauth/userinfo", headers=bearer).json()),
        **_members("device authorization", server.device()),
        "pushed request: status": str(pushed.status_code),
        **_members("pushed request", pushed.json()),
        **_members(
            "introspection", server.post("/oauth/introspect", {"token": again["access_token"]}, "web")
        ),
        **_members(
            "introspection of a refresh token",
            server.post("/oauth/introspect", {"token": again["refresh_token"]}, "web"),
        ),
    }
    return told


def differences(ours: Told, theirs: Told) -> dict[str, tuple[str, str]]:
    """What is not the same: ours, theirs. Of a token that has another form nothing else is said."""
    names = [*ours, *(name for name in theirs if name not in ours)]
    pairs = {name: (ours.get(name, "absent"), theirs.get(name, "absent")) for name in names}
    found = {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
    other = [name.removesuffix(": form") for name in found if name.endswith(": form")]
    parts = tuple(part for token in other for part in (f"{token}: ", f"{token} header: "))
    return {
        name: pair for name, pair in found.items() if name.endswith(": form") or not name.startswith(parts)
    }


def ours(world: World) -> Server:
    """The control plane."""
    secrets = {name: client.secret for name, client in world.clients.items() if client.secret}
    return Server(world.issuer, secrets, world.user, world.tls)


class Peer(Process):
    """oidc-provider, set up as `world` is."""

    def __init__(self, world: World, folder: Path) -> None:
        """Starts it and waits until it answers."""
        port = free_port()
        settings = folder / "peer.json"
        person = {"email": world.user.email, "name": world.user.name}
        told = {
            "port": port,
            "clients": list(_peer_clients(world)),
            "user": person,
            "resource": RESOURCE,
            "scopes": [*OIDC, *SCOPES],
            "resourceScopes": SCOPES,
        }
        settings.write_text(json.dumps(told))
        super().__init__(
            "oidc-provider", [node(), str(HERE / "peer.mjs"), str(settings)], log=folder / "peer.log"
        )
        self.issuer = f"http://127.0.0.1:{port}"

        def ready() -> bool:
            self.check()
            return "ready" in self.log.read_text(errors="replace")

        wait_until(ready, "oidc-provider")

    def server(self, world: World) -> Server:
        """The server it is."""
        return Server(
            self.issuer, {name: client.secret or "" for name, client in world.clients.items()}, world.user
        )


def _peer_clients(world: World) -> list[Json]:
    code = ["authorization_code", "refresh_token"]
    kinds: dict[str, Json] = {
        "web": {"grant_types": [*code, "client_credentials"], "redirect_uris": [CALLBACK]},
        "server": {"grant_types": code, "redirect_uris": [CALLBACK]},
        "service": {"grant_types": ["client_credentials"], "redirect_uris": []},
        "bound": {
            "grant_types": ["client_credentials"],
            "redirect_uris": [],
            "dpop_bound_access_tokens": True,
        },
        "strict": {
            "grant_types": code,
            "redirect_uris": [CALLBACK],
            "require_pushed_authorization_requests": True,
        },
        "native": {"grant_types": code, "redirect_uris": [NATIVE_CALLBACK], "application_type": "native"},
        "device": {"grant_types": [DEVICE, "refresh_token"], "redirect_uris": []},
    }
    made: list[Json] = []
    for name, kind in kinds.items():
        algorithms = ("id_token_signed_response_alg", "introspection_signed_response_alg")
        client: Json = {"client_id": name, **dict.fromkeys(algorithms, "EdDSA"), **kind}
        client["response_types"] = ["code"] if "authorization_code" in kind["grant_types"] else []
        if name in ("native", "device"):
            client["token_endpoint_auth_method"] = "none"
        else:
            client["client_secret"] = world.clients[name].secret or "s" * 43
        if kind["redirect_uris"]:
            client["post_logout_redirect_uris"] = [LOGGED_OUT]
        made.append(client)
    return made
