"""Authlib, over requests and over its own choice of httpx, with joserfc checking the tokens."""

# Authlib is not typed.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

import ssl
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import OAuth2Client
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata, get_well_known_url
from authlib.oauth2.rfc9207.discovery import AuthorizationServerMetadata as WithIss
from authlib.oidc.core import CodeIDToken
from authlib.oidc.discovery import OpenIDProviderMetadata
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OKPKey, RSAKey

from interop.flows import ALGORITHMS
from interop.person import approve_device, browser, come_back
from interop.world import DEVICE, RESOURCE, Registered, World

pytestmark = pytest.mark.filterwarnings("ignore:EdDSA is deprecated:joserfc.errors.SecurityWarning")

SCOPE = "openid profile email offline_access expenses:read"
VERIFIER = "v" * 64


def flow(name: str) -> pytest.MarkDecorator:
    """The test for both, each with its row in the table."""
    clients = [
        pytest.param(http, marks=pytest.mark.flow(f"Authlib ({http})", name))
        for http in ("requests", "httpx")
    ]
    return pytest.mark.parametrize("http", clients, indirect=True)


def asked(world: World, url: str, form: dict[str, str] | None = None) -> dict[str, Any]:
    """What stands at `url`, without any client's help."""
    with httpx.Client(verify=ssl.create_default_context(cafile=world.tls.authority)) as plain:
        return dict((plain.post(url, data=form) if form else plain.get(url)).json())


def metadata(world: World) -> dict[str, Any]:
    return asked(world, f"{world.issuer}/.well-known/openid-configuration")


def keys(world: World) -> KeySet:
    return KeySet.import_key_set(asked(world, metadata(world)["jwks_uri"]))  # type: ignore[arg-type]


Make = Callable[..., Any]


@pytest.fixture
def http(request: pytest.FixtureRequest) -> str:
    """What Authlib sends its requests with."""
    return str(request.param)


@pytest.fixture
def make(world: World, http: str) -> Iterator[Make]:
    """Makes sessions of Authlib's for clients of the world."""
    with ExitStack() as stack:

        def made(name: str, **more: Any) -> Any:
            return stack.enter_context(session(world, http, name, **more))

        yield made


def session(world: World, http: str, name: str, **more: Any) -> Any:
    known = world.clients[name]
    settings: dict[str, Any] = {
        "client_id": known.id,
        "client_secret": known.secret,
        "scope": SCOPE,
        "redirect_uri": known.redirect_uri,
        "code_challenge_method": "S256",
        "token_endpoint": f"{world.issuer}/oauth/token",
        **more,
    }
    if http == "requests":
        made: Any = OAuth2Session(**settings)
        made.verify = str(world.tls.authority)
        # Else a bundle that the environment names would go before.
        made.trust_env = False
        return made
    return OAuth2Client(verify=ssl.create_default_context(cafile=world.tls.authority), **settings)


def code_flow(world: World, name: str, client: Any, **more: Any) -> dict[str, Any]:
    """The code flow whole; the token answer, with its ID token checked."""
    url, state = client.create_authorization_url(
        metadata(world)["authorization_endpoint"], code_verifier=VERIFIER, nonce="n-1", **more
    )
    with browser(world, world.clients[name].redirect_uri) as person:
        back = come_back(person, url, world.user)
    token: dict[str, Any] = client.fetch_token(
        authorization_response=back, state=state, code_verifier=VERIFIER
    )
    check_id_token(world, world.clients[name], token)
    return token


def check_id_token(world: World, known: Registered, token: dict[str, Any]) -> None:
    decoded = jwt.decode(token["id_token"], keys(world), algorithms=ALGORITHMS)
    options = {
        "iss": {"essential": True, "value": world.issuer},
        "aud": {"essential": True, "value": known.id},
        "nonce": {"essential": True, "value": "n-1"},
    }
    params = {"nonce": "n-1", "client_id": known.id, "access_token": token["access_token"]}
    CodeIDToken(decoded.claims, decoded.header, options, params).validate(leeway=5)


@flow("discovery")
def test_discovery(world: World, make: Make) -> None:
    client = make("web")
    kinds: dict[str, Any] = {
        "openid-configuration": OpenIDProviderMetadata,
        "oauth-authorization-server": AuthorizationServerMetadata,
    }
    for suffix, kind in kinds.items():
        url = get_well_known_url(world.issuer, external=True, suffix=suffix)
        document = client.request("GET", url, withhold_token=True).json()
        kind(document).validate(metadata_classes=[WithIss])
        assert document["issuer"] == world.issuer


@flow("client_secret_basic")
def test_client_secret_basic(world: World, make: Make) -> None:
    code_flow(world, "web", make("web"))


@flow("client_secret_post")
def test_client_secret_post(world: World, make: Make) -> None:
    code_flow(world, "web", make("web", token_endpoint_auth_method="client_secret_post"))


@flow("public client, with consent")
def test_public_client(world: World, make: Make) -> None:
    code_flow(world, "native", make("native"))


@pytest.mark.parametrize(
    ("algorithm", "http"),
    [
        pytest.param(
            algorithm,
            http,
            marks=pytest.mark.flow(f"Authlib ({http})", f"private_key_jwt and tokens with {algorithm}"),
        )
        for algorithm in ALGORITHMS
        for http in ("requests", "httpx")
    ],
    indirect=["http"],
)
def test_private_key_jwt(world: World, make: Make, algorithm: str) -> None:
    """Its assertions name the token endpoint as audience, so that the client is registered for that."""
    known = world.clients[f"legacy-{algorithm}"]
    kinds: dict[str, Any] = {"EdDSA": OKPKey, "ES256": ECKey}
    key = kinds.get(algorithm, RSAKey).import_key(b64decode(known.key or ""))
    client = make(f"legacy-{algorithm}", client_secret=key, token_endpoint_auth_method="private_key_jwt")
    client.register_client_auth_method(PrivateKeyJWT(alg=algorithm))
    token = code_flow(world, f"legacy-{algorithm}", client)
    client.refresh_token(refresh_token=token["refresh_token"])


@flow("userinfo")
def test_userinfo(world: World, make: Make) -> None:
    client = make("web")
    code_flow(world, "web", client)
    answer = client.get(metadata(world)["userinfo_endpoint"])
    assert answer.json()["email"] == world.user.email


@flow("max_age")
def test_max_age(world: World, make: Make) -> None:
    client = make("web")
    token = code_flow(world, "web", client, max_age="60")
    assert isinstance(
        jwt.decode(token["id_token"], keys(world), algorithms=ALGORITHMS).claims["auth_time"], int
    )


@flow("refresh")
def test_refresh(world: World, make: Make) -> None:
    client = make("web")
    first = dict(code_flow(world, "web", client))
    second = client.refresh_token(refresh_token=first["refresh_token"])
    assert second["refresh_token"] != first["refresh_token"]


@flow("revocation")
def test_revocation(world: World, make: Make) -> None:
    client = make("web")
    token = dict(code_flow(world, "web", client))
    answer = client.revoke_token(f"{world.issuer}/oauth/revoke", token["refresh_token"], "refresh_token")
    assert answer.status_code == 200
    with pytest.raises(OAuthError, match="invalid_grant"):
        client.refresh_token(refresh_token=token["refresh_token"])


@flow("introspection")
def test_introspection(world: World, make: Make) -> None:
    token = code_flow(world, "web", make("web"), resource=RESOURCE)
    server = make("server")
    found = server.introspect_token(metadata(world)["introspection_endpoint"], token["access_token"]).json()
    assert found["active"] is True
    assert found["client_id"] == world.clients["web"].id


@flow("resource indicator")
def test_resource_indicator(world: World, make: Make) -> None:
    client = make("web")
    token = code_flow(world, "web", client, resource=RESOURCE)
    assert RESOURCE in jwt.decode(token["access_token"], keys(world), algorithms=ALGORITHMS).claims["aud"]


@flow("client credentials")
def test_client_credentials(world: World, make: Make) -> None:
    client = make("service", scope="expenses:read")
    token = client.fetch_token(grant_type="client_credentials")
    assert token["scope"] == "expenses:read"
    assert "refresh_token" not in token


@flow("device")
def test_device(world: World, make: Make) -> None:
    client = make("device")
    form = {"client_id": world.clients["device"].id, "scope": SCOPE}
    endpoint = metadata(world)["device_authorization_endpoint"]
    started = asked(world, endpoint, form)
    approve_device(world, started["verification_uri"], started["user_code"])
    token = client.fetch_token(grant_type=DEVICE, device_code=started["device_code"])
    assert token["id_token"]


@flow("a wrong secret")
def test_a_wrong_secret(world: World, make: Make) -> None:
    client = make("web", client_secret="wrong")
    with pytest.raises(OAuthError, match="invalid_client"):
        client.refresh_token(refresh_token="unknown")
