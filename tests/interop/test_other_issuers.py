"""Issuers that share no code with the control plane: a real HTTP issuer with discovery, and tokens that
joserfc and PyJWT sign, in the shapes of platforms and of an enterprise's provider.
"""

from __future__ import annotations

import hmac
import json
import re
import subprocess
import threading
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import jwt as pyjwt
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, Key, KeySet, RSAKey
from lab import ControlPlane
from lab.control_plane import program

from interop.world import RESOURCE

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
SUBJECT = "system:serviceaccount:shop:orders"


class Issuer:
    """Publishes its metadata and its keys on a loopback port, and counts who asks."""

    def __init__(self) -> None:
        self.keys: list[Key] = []
        self.asked: list[str] = []
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.asked.append(self.path)
                documents: dict[str, Any] = {
                    "/.well-known/openid-configuration": {
                        "issuer": issuer.url,
                        "jwks_uri": f"{issuer.url}/openid/v1/jwks",
                        "response_types_supported": ["id_token"],
                        "subject_types_supported": ["public"],
                        "id_token_signing_alg_values_supported": ["RS256", "ES256"],
                    },
                    "/openid/v1/jwks": KeySet(issuer.keys).as_dict(private=False),
                }
                found = documents.get(self.path)
                body = json.dumps(found).encode()
                self.send_response(200 if found else 404)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                """Says nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def rsa(self, kid: str) -> RSAKey:
        """Publishes one more key."""
        key = RSAKey.generate_key(2048, {"kid": kid, "use": "sig", "alg": "RS256"})
        self.keys.append(key)
        return key

    def stop(self) -> None:
        """Ends it."""
        self._server.shutdown()
        self._server.server_close()


@dataclass
class House:
    """A control plane, an issuer that it may trust, and a resource."""

    plane: ControlPlane
    issuer: Issuer
    folder: Path

    def ask(self, assertion: str, **more: str) -> httpx.Response:
        """Hands in an assertion."""
        form = {"grant_type": JWT_BEARER, "assertion": assertion, "resource": RESOURCE, **more}
        return httpx.post(f"{self.plane.issuer}/oauth/token", data=form, timeout=10)

    def claims(self, **more: Any) -> dict[str, Any]:
        """What the issuer says, for this server and now."""
        now = int(time.time())
        claims = {"iss": self.issuer.url, "aud": self.plane.issuer, "iat": now, "nbf": now, "exp": now + 600}
        return {name: value for name, value in {**claims, **more}.items() if value is not None}

    def machine(self, name: str, claims: dict[str, str]) -> None:
        """Registers a machine that is this identity of the issuer."""
        body = {
            "id": name,
            "name": name,
            "owner": "shop@example.com",
            "purpose": "orders",
            "environment": "production",
            "expires_at": int((time.time() + 86_400) * 1000),
            "scopes": ["expenses:read"],
            "resources": [RESOURCE],
            "identities": [{"issuer": self.issuer.url, "claims": claims}],
        }
        self.plane.administer("POST", "/machines", body)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """Everything but the registration of the issuer."""
    issuer = Issuer()
    with ControlPlane(tmp_path) as plane:
        scopes = [{"name": "expenses:read", "description": "Read your expenses"}]
        plane.administer("POST", "/resources", {"uri": RESOURCE, "name": "Expenses", "scopes": scopes})
        yield House(plane, issuer, tmp_path)
    issuer.stop()


def said(token: str) -> dict[str, Any]:
    """What a token says, unverified."""
    return pyjwt.decode(token, options={"verify_signature": False})


def refused(answer: httpx.Response, reason: str) -> None:
    assert (answer.status_code, answer.json()["reason"]) == (400, reason), answer.text


def test_a_pod_is_a_machine_by_the_keys_that_its_cluster_publishes(house: House) -> None:
    key = house.issuer.rsa("first")
    registered = {"issuer": house.issuer.url, "name": "A cluster", "kind": "kubernetes"}
    house.plane.administer("POST", "/issuers", registered)
    house.machine("orders", {"/kubernetes.io/namespace": "shop", "sub": SUBJECT})

    def token(signer: Key, **more: Any) -> str:
        cluster = {"namespace": "shop", "serviceaccount": {"name": "orders", "uid": "1-2"}}
        claims = house.claims(**{"sub": SUBJECT, "kubernetes.io": cluster, **more})
        return jwt.encode({"alg": "RS256", "kid": signer.kid}, claims, signer)

    answer = house.ask(token(key))
    assert answer.status_code == 200, answer.text
    given = answer.json()
    access = said(given["access_token"])
    assert (access["sub"], access["aud"], access["scope"]) == ("orders", RESOURCE, "expenses:read")
    assert "refresh_token" not in given
    assert house.issuer.asked == ["/.well-known/openid-configuration", "/openid/v1/jwks"]

    refused(house.ask(token(key, aud="https://kubernetes.default.svc")), "identity_audience_wrong")
    refused(house.ask(token(key, exp=int(time.time()) - 120)), "identity_expired")
    refused(house.ask(token(key, sub="system:serviceaccount:shop:other")), "identity_unmatched")
    refused(house.ask(token(key, iss=None)), "identity_malformed")
    stranger = RSAKey.generate_key(2048, {"kid": "first"})
    refused(house.ask(token(stranger)), "identity_unverified")
    # The public key as a shared secret. Libraries do not sign so any more, and so it is done by hand.
    secret = json.dumps(key.as_dict(private=False)).encode()
    parts = [
        json.dumps(part).encode() for part in ({"alg": "HS256", "kid": "first"}, house.claims(sub=SUBJECT))
    ]
    signed = b".".join(urlsafe_b64encode(part).rstrip(b"=") for part in parts)
    mac = urlsafe_b64encode(hmac.digest(secret, signed, "sha256")).rstrip(b"=")
    refused(house.ask(f"{signed.decode()}.{mac.decode()}"), "identity_unverified")
    unsigned = pyjwt.encode(house.claims(sub=SUBJECT), "", "none", {"kid": "first"})
    refused(house.ask(unsigned), "identity_unverified")
    # None of these has made the control plane knock at the cluster's door.
    assert len(house.issuer.asked) == 2


def test_the_command_says_who_a_token_would_be(house: House) -> None:
    key = ECKey.generate_key("P-256", {"kid": "ec"})
    house.issuer.keys.append(key)
    house.plane.administer(
        "POST", "/issuers", {"issuer": house.issuer.url, "name": "Runners", "kind": "openid"}
    )
    house.machine("deploy", {"sub": "pipeline:7", "protected": "true"})
    found: list[Any] = []
    for protected in (True, False):
        token = jwt.encode(
            {"alg": "ES256", "kid": "ec", "typ": "JWT"},
            house.claims(sub="pipeline:7", protected=protected),
            key,
        )
        at = f"/issuer/try?issuer={quote(house.issuer.url, safe='')}"
        found.append(house.plane.administer("POST", at, {"token": token}))
    assert (found[0]["machine"], found[0]["reason"]) == ("deploy", None)
    assert (found[1]["machine"], found[1]["reason"]) == (None, "identity_unmatched")
    assert found[1]["candidates"] == [{"machine": "deploy", "differing": ["protected"], "ended": False}]


def test_an_enterprise_vouches_for_a_person(house: House) -> None:
    key = house.issuer.rsa("idp")
    registered = {
        "issuer": house.issuer.url,
        "name": "Directory",
        "kind": "enterprise",
        "domains": ["corp.example"],
    }
    house.plane.administer("POST", "/issuers", registered)
    house.plane.add_user("ada@corp.example", "Ada Lovelace")
    (user,) = house.plane.administer("GET", "/users?email=ada@corp.example")["users"]
    own = ECKey.generate_key("P-256", {"kid": "own"})
    client = {
        "id": "agent",
        "name": "Agent",
        "kind": "confidential",
        "authentication": "private_key_jwt",
        "jwks": {"keys": [own.as_dict(private=False)]},
        "grants": [JWT_BEARER],
        "scopes": ["expenses:read"],
        "resources": [RESOURCE],
        "agent": True,
    }
    house.plane.register(client)

    def present(id_jag: str) -> httpx.Response:
        now = int(time.time())
        who = {
            "iss": "agent",
            "sub": "agent",
            "aud": house.plane.issuer,
            "iat": now,
            "exp": now + 60,
            "jti": f"{time.monotonic_ns()}",
        }
        signed = jwt.encode({"alg": "ES256", "kid": "own"}, who, own)
        return house.ask(id_jag, client_assertion_type=ASSERTION, client_assertion=signed)

    def id_jag(typ: str = "oauth-id-jag+jwt", **more: Any) -> str:
        claims = house.claims(
            sub="00u1",
            client_id="agent",
            jti=f"{time.monotonic_ns()}",
            scope="expenses:read",
            resource=RESOURCE,
            email="ada@corp.example",
            email_verified=True,
            **more,
        )
        return jwt.encode({"alg": "RS256", "kid": "idp", "typ": typ}, claims, key)

    once = id_jag()
    answer = present(once)
    assert answer.status_code == 200, answer.text
    access = said(answer.json()["access_token"])
    assert (access["sub"], access["client_id"]) == (user["id"], "agent")
    refused(present(once), "identity_reused")
    refused(present(id_jag("JWT")), "identity_unverified")
    assert house.ask(id_jag()).json()["error"] == "invalid_client"

    sessions = house.plane.administer("GET", "/sessions")["sessions"]
    mine = [session for session in sessions if session["client"] == "agent"]
    assert [session["id"] for session in mine] == [access["sid"]]
    house.plane.administer("POST", f"/users/{user['id']}/sign-out")
    left = house.plane.administer("GET", "/sessions")["sessions"]
    assert not [session for session in left if session["client"] == "agent"]

    told = httpx.get(f"{house.plane.issuer}/.well-known/oauth-authorization-server", timeout=10).json()
    assert told["authorization_grant_profiles_supported"] == ["urn:ietf:params:oauth:grant-profile:id-jag"]
    assert JWT_BEARER in told["grant_types_supported"]


def test_the_program_registers_and_tries(house: House) -> None:
    key = house.issuer.rsa("k")
    folder = ["--data-dir", str(house.plane.data_dir)]

    def sealgate(*arguments: str, stdin: str = "") -> str:
        run = subprocess.run(
            [str(program()), *arguments, *folder], input=stdin, capture_output=True, text=True, check=False
        )
        assert run.returncode == 0, run.stderr
        return run.stdout

    url = house.issuer.url
    shown = sealgate("issuer", "add", url, "GitHub", "--kind", "github", "--claim", "repository_owner=acme")
    assert "repository_owner=acme" in shown
    house.machine("deploy", {"repository": "acme/shop"})
    claims = house.claims(sub="repo:acme/shop:ref:x", repository="acme/shop", repository_owner="acme")
    token = jwt.encode({"alg": "RS256", "kid": "k", "typ": "JWT"}, claims, key)
    assert sealgate("issuer", "try", url, stdin=token).startswith("It would be the machine deploy.")
    assert url in sealgate("issuer", "list")
    assert "not believed" in sealgate("issuer", "disable", url)
    refused(house.ask(token), "identity_issuer_unknown")
    assert "believed again" in sealgate("issuer", "enable", url)
    assert house.ask(token).status_code == 200
    sealgate("issuer", "remove", url, "--yes")
    assert "No issuer" in sealgate("issuer", "list") or sealgate("--json", "issuer", "list").strip() == "[]"


def commands(page: str) -> list[str]:
    """The commands of this program in a page, each on one line."""
    text = (Path(__file__).parents[2] / "docs" / "how-to" / page).read_text("utf-8")
    blocks = "".join(re.findall(r"```sh\n(.*?)```", text, re.DOTALL)).replace("\\\n", " ")
    return [line for line in blocks.splitlines() if re.match(r"sealgate |[A-Z]+=http", line)]


def test_the_commands_of_the_pages_work(house: House) -> None:
    """Those that take a token or a link of somebody real are left to the tests above."""
    bundle = ECKey.generate_key("P-256", {"kid": "svid"}).as_dict(private=False) | {"use": "jwt-svid"}
    cluster = RSAKey.generate_key(2048, {"kid": "cluster"})
    (house.folder / "bundle.json").write_text(json.dumps({"keys": [bundle], "spiffe_sequence": 1}))
    (house.folder / "cluster-keys.json").write_text(json.dumps(KeySet([cluster]).as_dict(private=False)))
    lines = [*commands("workload-identity.md"), *commands("enterprise-authorization.md")]
    lines = [line for line in lines if " try " not in line and "link " not in line]
    notes = "sealgate resource add https://mcp.example.com/notes Notes --scope notes:read=Read"
    script = "\n".join(["set -eu", 'CLUSTER="https://kubernetes.default.svc.cluster.local"', notes, *lines])
    settings = {
        "PATH": f"{Path(program()).parent}:/usr/bin:/bin",
        "SEALGATE_DATA_DIR": str(house.plane.data_dir),
        "API": "https://expenses.example.com/api",
    }
    run = subprocess.run(
        ["bash", "-c", script], cwd=house.folder, env=settings, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    issuers = house.plane.administer("GET", "/issuers")["issuers"]
    kinds = {issuer["kind"] for issuer in issuers}
    assert kinds == {"kubernetes", "github", "gitlab", "spiffe", "enterprise"}
    machines = house.plane.administer("GET", "/machines")["machines"]
    assert {machine["id"] for machine in machines} == {"orders", "deploy", "release", "billing"}
