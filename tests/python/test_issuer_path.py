"""The gate in front of a control plane whose issuer has a path."""

import secrets
from collections.abc import Iterator
from typing import Annotated

import httpx
import pytest
from asgi_kit import request
from fastapi import Depends, FastAPI
from lab import ControlPlane
from sealgate import Gate, User
from sessions import BASE_URL, Realm, browser, session_cookie, sign_in


@pytest.fixture(scope="module")
def tenant(tmp_path_factory: pytest.TempPathFactory, realm: Realm) -> Iterator[Realm]:
    """Such a control plane, with a person and an application on it. `realm` finds the program."""
    assert realm.plane.issuer == realm.origin
    with ControlPlane(tmp_path_factory.mktemp("tenant"), path="/id/tenant") as plane:
        user = plane.add_user("ada@example.com", "Ada")
        client = plane.add_client("tests", BASE_URL, scopes=["expenses:read"])
        yield Realm(plane, user, client, secrets.token_urlsafe(32))


def application(gate: Gate) -> FastAPI:
    app = FastAPI()

    @app.get("/me")
    async def me(user: Annotated[User, Depends(gate.user)]) -> dict[str, str]:
        return {"email": user.email or ""}

    gate.install(app)
    return app


async def test_people_sign_in_and_are_known(tenant: Realm) -> None:
    assert tenant.plane.issuer == f"{tenant.origin}/id/tenant"
    app = application(tenant.gate())
    async with browser(app) as client:
        ended = await sign_in(client, tenant, "/me")
        assert ended.status_code == 303
        answer = await request(app, "GET", "/me", [session_cookie(client)])
        assert answer.status == 200
        # The control plane's cookie is told from those of others on the host.
        assert "sealgate-sign-in.id.tenant" in client.cookies


async def test_a_session_ends_with_logout(tenant: Realm) -> None:
    app = application(tenant.gate())
    async with browser(app) as client:
        await sign_in(client, tenant)
        cookie = session_cookie(client)
        assert (await request(app, "GET", "/me", [cookie])).status == 200
        left = await client.post(f"{BASE_URL}/auth/logout", headers={"origin": BASE_URL})
        assert left.status_code in (200, 303)
        assert (await request(app, "GET", "/me", [cookie])).status == 401


def test_the_metadata_stands_in_both_places_and_at_the_root_of_the_host_is_nothing_else(
    tenant: Realm,
) -> None:
    origin, path = tenant.origin, "/id/tenant"
    with httpx.Client() as client:
        for name in ("openid-configuration", "oauth-authorization-server"):
            for url in (f"{origin}{path}/.well-known/{name}", f"{origin}/.well-known/{name}{path}"):
                assert client.get(url).json()["issuer"] == tenant.plane.issuer, url
            assert client.get(f"{origin}/.well-known/{name}").status_code == 404
        assert client.get(f"{origin}/health").status_code == 404
        assert client.get(f"{origin}{path}/health").json() == {"ok": True}
