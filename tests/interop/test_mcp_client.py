"""The official Python client of the Model Context Protocol reaches an API that the control plane guards."""

from __future__ import annotations

import json
import ssl
from base64 import b64decode
from collections.abc import Callable
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

import httpx2
import jwt
import pytest
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)
from mcp.client.auth import AuthorizationCodeResult, OAuthClientProvider, OAuthFlowError
from mcp.client.auth.extensions.client_credentials import (
    ClientCredentialsOAuthProvider,
    PrivateKeyJWTOAuthProvider,
    SignedJWTParameters,
)
from mcp.shared.auth import OAuthClientInformationFull, OAuthClientMetadata, OAuthToken
from pydantic import AnyUrl

from interop.person import browser, come_back
from interop.world import CODE, RESOURCE, Registered, World

AuthMethod = Literal["none", "client_secret_basic", "client_secret_post"]


class Storage:
    """Keeps tokens; begins with the client as it was registered by hand."""

    def __init__(self, client: OAuthClientInformationFull | None = None) -> None:
        self.client = client
        self.tokens: OAuthToken | None = None

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.client = client_info


class Api:
    """An API that tells where tokens come from (RFC 9728) and takes those that are for it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.seen: list[dict[str, Any]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answers one request."""
        path, headers = scope["path"], dict(scope["headers"])
        status, body, extra = 401, b"{}", []
        if path.startswith("/.well-known/oauth-protected-resource"):
            document = {
                "resource": RESOURCE,
                "authorization_servers": [self.world.issuer],
                "scopes_supported": ["expenses:read"],
            }
            status, body = 200, json.dumps(document).encode()
        elif headers.get(b"authorization", b"").startswith(b"Bearer "):
            self.seen.append(self._claims(headers[b"authorization"].removeprefix(b"Bearer ").decode()))
            status = 200
        else:
            where = "https://api.example/.well-known/oauth-protected-resource/expenses"
            extra = [(b"www-authenticate", f'Bearer resource_metadata="{where}"'.encode())]
        start = {"type": "http.response.start", "status": status}
        await send({**start, "headers": [(b"content-type", b"application/json"), *extra]})
        await send({"type": "http.response.body", "body": body})

    def _claims(self, token: str) -> dict[str, Any]:
        tls = ssl.create_default_context(cafile=self.world.tls.authority)
        keys = jwt.PyJWKClient(f"{self.world.issuer}/oauth/jwks", ssl_context=tls)
        key = keys.get_signing_key_from_jwt(token)
        options: Any = {"require": ["exp", "iat", "sub"]}
        return jwt.decode(
            token,
            key,
            algorithms=["EdDSA", "ES256"],
            audience=RESOURCE,
            issuer=self.world.issuer,
            options=options,
        )


async def reach(world: World, auth: OAuthClientProvider) -> list[dict[str, Any]]:
    """Opens the API with `auth`; the claims of the tokens that the API took."""
    api = Api(world)
    verify = ssl.create_default_context(cafile=world.tls.authority)
    mounts: dict[str, Any] = {"https://api.example": httpx2.ASGITransport(app=api)}
    headers = {"mcp-protocol-version": "2025-11-25"}
    async with httpx2.AsyncClient(auth=auth, verify=verify, mounts=mounts, headers=headers) as client:
        assert (await client.get(RESOURCE)).status_code == 200
        assert (await client.get(RESOURCE)).status_code == 200
    return api.seen


def provider(
    world: World,
    name: str,
    method: AuthMethod,
    *,
    spoil: Callable[[dict[str, str]], None] | None = None,
) -> tuple[OAuthClientProvider, Storage]:
    """The client's own code flow with a client that was registered by hand."""
    known = world.clients[name]
    metadata = OAuthClientMetadata(
        redirect_uris=[AnyUrl(known.redirect_uri)], token_endpoint_auth_method=method, grant_types=CODE
    )
    storage = Storage(
        OAuthClientInformationFull(
            client_id=known.id,
            client_secret=known.secret,
            redirect_uris=[AnyUrl(known.redirect_uri)],
            token_endpoint_auth_method=method,
            issuer=world.issuer,
        )
    )
    returned: list[str] = []

    async def redirect(url: str) -> None:
        asked = parse_qs(urlsplit(url).query)
        assert asked["resource"] == [RESOURCE]
        with browser(world, known.redirect_uri) as person:
            returned.append(come_back(person, url, world.user))

    async def callback() -> AuthorizationCodeResult:
        answer = {name: values[0] for name, values in parse_qs(urlsplit(returned.pop()).query).items()}
        if spoil:
            spoil(answer)
        return AuthorizationCodeResult(code=answer["code"], state=answer.get("state"), iss=answer.get("iss"))

    return OAuthClientProvider(RESOURCE, metadata, storage, redirect, callback), storage


async def complete(world: World, name: str, method: AuthMethod) -> None:
    auth, storage = provider(world, name, method)
    seen = await reach(world, auth)
    assert [claims["client_id"] for claims in seen] == [world.clients[name].id] * 2
    assert storage.tokens is not None
    assert storage.tokens.refresh_token is not None


@pytest.mark.flow("mcp", "public client, with consent")
async def test_public_client(world: World) -> None:
    await complete(world, "native", "none")


@pytest.mark.flow("mcp", "client_secret_basic")
async def test_client_secret_basic(world: World) -> None:
    await complete(world, "web", "client_secret_basic")


@pytest.mark.flow("mcp", "client_secret_post")
async def test_client_secret_post(world: World) -> None:
    await complete(world, "web", "client_secret_post")


@pytest.mark.flow("mcp", "discovery")
async def test_discovery_of_an_issuer_with_a_path(tenant_world: World) -> None:
    """By path insertion, the first address this client tries."""
    await complete(tenant_world, "native", "none")


@pytest.mark.flow("mcp", "discovery")
async def test_every_form_of_the_metadata_address_leads_to_the_same_document(tenant_world: World) -> None:
    verify = ssl.create_default_context(cafile=tenant_world.tls.authority)
    origin = tenant_world.issuer.removesuffix("/tenant")
    documents: list[bytes] = []
    async with httpx2.AsyncClient(verify=verify) as client:
        for kind in ("oauth-authorization-server", "openid-configuration"):
            for url in (f"{origin}/.well-known/{kind}/tenant", f"{origin}/tenant/.well-known/{kind}"):
                answer = await client.get(url)
                assert answer.status_code == 200, url
                documents.append(answer.content)
    assert len(set(documents)) == 1
    assert json.loads(documents[0])["issuer"] == tenant_world.issuer


@pytest.mark.flow("mcp", "resource indicator")
async def test_resource_indicator(world: World) -> None:
    auth, _ = provider(world, "native", "none")
    seen = await reach(world, auth)
    assert RESOURCE in [seen[0]["aud"], *seen[0]["aud"]]


@pytest.mark.flow("mcp", "iss in the answer")
async def test_iss_in_the_answer(world: World) -> None:
    def elsewhere(answer: dict[str, str]) -> None:
        assert answer["iss"] == world.issuer
        answer["iss"] = "https://other.example"

    auth, _ = provider(world, "native", "none", spoil=elsewhere)
    with pytest.raises(OAuthFlowError, match="iss mismatch"):
        await reach(world, auth)

    def without(answer: dict[str, str]) -> None:
        del answer["iss"]

    auth, _ = provider(world, "native", "none", spoil=without)
    with pytest.raises(OAuthFlowError, match="missing iss"):
        await reach(world, auth)


@pytest.mark.flow("mcp", "refresh")
async def test_refresh(world: World) -> None:
    auth, storage = provider(world, "native", "none")
    await reach(world, auth)
    first = storage.tokens
    assert first is not None
    auth.context.token_expiry_time = 1.0
    await reach(world, auth)
    assert storage.tokens is not None
    assert storage.tokens.refresh_token != first.refresh_token


def pem(known: Registered) -> str:
    key = load_der_private_key(b64decode(known.key or ""), None)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.mark.flow("mcp", "client credentials")
async def test_client_credentials(world: World) -> None:
    known = world.clients["service"]
    seen = await reach(
        world,
        ClientCredentialsOAuthProvider(
            RESOURCE, Storage(), known.id, known.secret or "", scope="expenses:read", issuer=world.issuer
        ),
    )
    assert seen[0]["sub"] == known.id


@pytest.mark.flow("mcp", "private_key_jwt and tokens with ES256")
@pytest.mark.parametrize("name", ["service-key", "service-fetched"])
async def test_client_credentials_with_a_key(world: World, name: str) -> None:
    """With the public key at hand, and with its address."""
    known = world.clients[name]
    assertion = SignedJWTParameters(
        issuer=known.id, subject=known.id, signing_key=pem(known), signing_algorithm="ES256"
    )
    make = assertion.create_assertion_provider()
    seen = await reach(
        world,
        PrivateKeyJWTOAuthProvider(
            RESOURCE, Storage(), known.id, make, scope="expenses:read", issuer=world.issuer
        ),
    )
    assert seen[0]["sub"] == known.id
