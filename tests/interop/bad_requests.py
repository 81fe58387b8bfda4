"""Requests that a strict server refuses, for two servers to be asked the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from interop.world import CALLBACK, DEVICE, RESOURCE

CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
AUTHORIZE: dict[str, str] = {
    "client_id": "web",
    "redirect_uri": CALLBACK,
    "response_type": "code",
    "scope": "openid",
    "state": "s",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}

Pairs = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Case:
    """A request. `{code}`, `{refresh}` and the like in a value stand for something fresh."""

    endpoint: str
    what: str
    fields: Pairs = field(default_factory=list[tuple[str, str]])
    method: str = "POST"
    path: str = ""
    as_client: str | None = None
    headers: dict[str, str] = field(default_factory=dict[str, str])
    json: Any = None

    @property
    def name(self) -> str:
        """What it is called in the table of differences."""
        return f"{self.endpoint}: {self.what}"


def _changed(base: dict[str, str], change: dict[str, str | None]) -> Pairs:
    return [(name, value) for name, value in {**base, **change}.items() if value is not None]


def _authorize() -> Iterator[Case]:
    def case(what: str, *more: tuple[str, str], method: str = "GET", **change: str | None) -> Case:
        fields = [*_changed(AUTHORIZE, change), *more]
        return Case("authorize", what, fields, method, "/oauth/authorize")

    yield case("no client_id", client_id=None)
    yield case("unknown client_id", client_id="stranger")
    yield case("client_id twice", ("client_id", "web"))
    yield case("no redirect_uri", redirect_uri=None)
    yield case("unregistered redirect_uri", redirect_uri="https://app.example/other")
    yield case("redirect_uri with a query of its own", redirect_uri=f"{CALLBACK}?more=1")
    yield case("redirect_uri with a fragment", redirect_uri=f"{CALLBACK}#part")
    yield case("redirect_uri twice", ("redirect_uri", CALLBACK))
    yield case("no response_type", response_type=None)
    yield case("response_type token", response_type="token")
    yield case("response_type code id_token", response_type="code id_token")
    yield case("unknown response_type", response_type="nonsense")
    yield case("no scope", scope=None)
    yield case("unknown scope", scope="openid nonsense")
    yield case("malformed scope", scope='openid "quoted"')
    yield case("no code_challenge", code_challenge=None, code_challenge_method=None)
    yield case("code_challenge_method plain", code_challenge_method="plain")
    yield case("no code_challenge_method", code_challenge_method=None)
    yield case("code_challenge too short", code_challenge="short")
    yield case("response_mode fragment", response_mode="fragment")
    yield case("unknown response_mode", response_mode="nonsense")
    yield case("unknown prompt", prompt="nonsense")
    yield case("prompt none with login", prompt="none login")
    yield case("prompt none without a sign-in", prompt="none")
    yield case("max_age not a number", max_age="soon")
    yield case("negative max_age", max_age="-1")
    yield case("request object", request="e30.e30.")
    yield case("request_uri that was not pushed", request_uri="https://app.example/request")
    yield case("request_uri that is not known", request_uri="urn:ietf:params:oauth:request_uri:unknown")
    yield case("registration", registration="{}")
    yield case("state twice", ("state", "t"))
    yield case("unregistered resource", resource="https://stranger.example/")
    yield case("resource with a fragment", resource=f"{RESOURCE}#part")
    yield case("resource that is not absolute", resource="/expenses")
    yield case("malformed id_token_hint", id_token_hint="nonsense")
    yield case("malformed claims", claims="{")
    yield case("malformed dpop_jkt", dpop_jkt="short")
    yield case("unknown parameter", unknown="1")
    yield case("empty state", state="")
    yield case("unknown acr_values", acr_values="urn:example:unknown")
    yield case("by POST", method="POST")
    yield case("by PUT", method="PUT")
    yield case("client that must push", client_id="strict")


def _token() -> Iterator[Case]:
    def case(what: str, *fields: tuple[str, str], client: str | None = "web", **more: Any) -> Case:
        return Case("token", what, list(fields), path="/oauth/token", as_client=client, **more)

    def code(**change: str | None) -> Pairs:
        base = {
            "grant_type": "authorization_code",
            "code": "{code}",
            "redirect_uri": CALLBACK,
            "code_verifier": VERIFIER,
        }
        return _changed(base, change)

    refresh = ("grant_type", "refresh_token")
    machine = ("grant_type", "client_credentials")
    yield case("by GET", ("grant_type", "refresh_token"), method="GET")
    yield case("no grant_type")
    yield case("unknown grant_type", ("grant_type", "nonsense"))
    yield case("grant_type password", ("grant_type", "password"), ("username", "a"), ("password", "b"))
    yield case("JSON body", json={"grant_type": "client_credentials"})
    yield case("no authentication", refresh, ("refresh_token", "x"), client=None)
    yield case("client_id alone", *code(client_id="web"), client=None)
    yield case("wrong secret in the header", *code(), client="wrong")
    yield case("wrong secret in the form", *code(client_id="web", client_secret="wrong"), client=None)
    yield case("unknown client in the header", *code(), client="stranger")
    yield case("unknown client in the form", *code(client_id="stranger"), client=None)
    yield case("malformed Basic", *code(), client=None, headers={"authorization": "Basic %%%"})
    yield case("secret in the header and in the form", *code(client_id="web", client_secret="x"))
    yield case("another client_id in the form", *code(client_id="native"))
    yield case("malformed assertion", *code(**_assertion("nonsense")), client=None)
    yield case("no code", *code(code=None))
    yield case("unknown code", *code(code="unknown"))
    yield case("code used before", *code(code="{used_code}"))
    yield case("code twice", *code(), ("code", "other"))
    yield case("no code_verifier", *code(code_verifier=None))
    yield case("wrong code_verifier", *code(code_verifier="w" * 43))
    yield case("code_verifier too short", *code(code_verifier="short"))
    yield case("no redirect_uri", *code(redirect_uri=None))
    yield case("another redirect_uri", *code(redirect_uri="https://app.example/other"))
    yield case("code of another client", *code(), client="server")
    yield case("code for another resource", *code(resource="https://stranger.example/"))
    yield case("no refresh_token", refresh)
    yield case("unknown refresh_token", refresh, ("refresh_token", "unknown"))
    yield case("refresh_token of another client", refresh, ("refresh_token", "{refresh}"), client="server")
    yield case("wider scope", refresh, ("refresh_token", "{refresh}"), ("scope", "openid expenses:write"))
    yield case("malformed scope", refresh, ("refresh_token", "{refresh}"), ("scope", '"'))
    yield case("grant_type that the client may not use", machine, client="server")
    yield case("client credentials of a public client", machine, ("client_id", "native"), client=None)
    yield case("client credentials for openid", machine, ("scope", "openid"))
    yield case("client credentials for an unknown scope", machine, ("scope", "nonsense"))
    yield case(
        "client credentials for an unknown resource", machine, ("resource", "https://stranger.example/")
    )
    device = ("grant_type", DEVICE)
    yield case("no device_code", device, ("client_id", "device"), client=None)
    yield case(
        "unknown device_code", device, ("client_id", "device"), ("device_code", "unknown"), client=None
    )
    pending = ("device_code", "{device_code}")
    yield case("pending device_code", device, ("client_id", "device"), pending, client=None)
    yield case("malformed DPoP proof", machine, headers={"dpop": "nonsense"})
    yield case("client that must use DPoP", machine, client="bound")


def _assertion(assertion: str) -> dict[str, str]:
    kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    return {"client_assertion_type": kind, "client_assertion": assertion}


def _others() -> Iterator[Case]:
    def userinfo(what: str, token: str | None, scheme: str = "Bearer", **more: Any) -> Case:
        headers = {} if token is None else {"authorization": f"{scheme} {token}"}
        options: dict[str, Any] = {"method": "GET", "headers": headers, **more}
        return Case("userinfo", what, path="/oauth/userinfo", **options)

    yield userinfo("no token", None)
    yield userinfo("malformed token", "nonsense")
    yield userinfo("unknown scheme", "{access}", scheme="Token")
    yield userinfo("token without openid", "{machine_access}")
    yield userinfo("refresh token", "{refresh}")
    yield userinfo("bearer token by DPoP", "{access}", scheme="DPoP")
    yield userinfo("token in the query", None, fields=[("access_token", "{access}")])
    yield userinfo("token in the form", None, method="POST", fields=[("access_token", "{access}")])
    yield userinfo("by PUT", "{access}", method="PUT")

    def post(
        endpoint: str, what: str, *fields: tuple[str, str], client: str | None = "web", **more: Any
    ) -> Case:
        return Case(endpoint, what, list(fields), path=f"/oauth/{endpoint}", as_client=client, **more)

    for endpoint in ("revoke", "introspect"):
        yield post(endpoint, "no token")
        yield post(endpoint, "unknown token", ("token", "unknown"))
        yield post(endpoint, "no authentication", ("token", "unknown"), client=None)
        yield post(endpoint, "wrong secret", ("token", "unknown"), client="wrong")
        yield post(endpoint, "unknown hint", ("token", "unknown"), ("token_type_hint", "nonsense"))
        yield post(endpoint, "token of another client", ("token", "{refresh}"), client="service")
        yield post(endpoint, "token twice", ("token", "a"), ("token", "b"))
        yield post(endpoint, "by GET", ("token", "a"), method="GET")
    pushed = {name: value for name, value in AUTHORIZE.items() if name != "client_id"}
    yield post("par", "no authentication", *AUTHORIZE.items(), client=None)
    yield post("par", "wrong secret", *pushed.items(), client="wrong")
    yield post("par", "request_uri inside", *pushed.items(), ("request_uri", "urn:x"))
    yield post(
        "par", "unregistered redirect_uri", *_changed(pushed, {"redirect_uri": "https://other.example"})
    )
    yield post("par", "no code_challenge", *_changed(pushed, {"code_challenge": None}))
    yield post("par", "unknown scope", *_changed(pushed, {"scope": "openid nonsense"}))
    yield post("par", "another client_id", *_changed(AUTHORIZE, {"client_id": "server"}))
    yield post("par", "by GET", *pushed.items(), method="GET")
    device: dict[str, Any] = {"client": None}
    yield post("device_authorization", "no client_id", ("scope", "openid"), **device)
    yield post("device_authorization", "unknown client_id", ("client_id", "stranger"), **device)
    yield post("device_authorization", "client without the grant", ("scope", "openid"))
    nonsense = (("client_id", "device"), ("scope", "nonsense"))
    yield post("device_authorization", "unknown scope", *nonsense, **device)

    def logout(what: str, *fields: tuple[str, str]) -> Case:
        return Case("logout", what, list(fields), "GET", "/oauth/logout")

    elsewhere = ("post_logout_redirect_uri", "https://other.example/")
    yield logout("nothing said")
    yield logout("malformed id_token_hint", ("id_token_hint", "nonsense"))
    yield logout("unregistered address", ("client_id", "web"), elsewhere)
    yield logout("address without a client", elsewhere)
    yield logout("unknown client_id", ("client_id", "stranger"))
    yield Case("jwks", "by POST", path="/oauth/jwks")


CASES = [*_authorize(), *_token(), *_others()]
