"""A control plane on https with a person and clients of every kind, for programs of other people."""

from __future__ import annotations

import json
from base64 import b64encode, urlsafe_b64encode
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from lab import ControlPlane, Tls, User

from interop.receiver import Receiver

RESOURCE = "https://api.example/expenses"
CALLBACK = "https://app.example/auth/callback"
NATIVE_CALLBACK = "http://127.0.0.1:49152/callback"
LOGGED_OUT = "https://app.example/"
SCOPES = ["expenses:read", "expenses:write"]
CODE = ["authorization_code", "refresh_token"]
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"


@dataclass(frozen=True, slots=True)
class Registered:
    """A client, as its program has to be set up."""

    id: str
    secret: str | None
    redirect_uri: str = CALLBACK
    logout_uri: str = LOGGED_OUT
    algorithm: str | None = None
    kid: str | None = None
    key: str | None = None
    """The private key: PKCS #8 in DER in base64."""


@dataclass(slots=True)
class World:
    """The control plane and who is on it."""

    plane: ControlPlane
    tls: Tls
    user: User
    receiver: Receiver
    clients: dict[str, Registered] = field(default_factory=dict[str, Registered])

    @property
    def issuer(self) -> str:
        """The issuer."""
        return self.plane.issuer

    def write(self, path: Path) -> None:
        """Writes it down for the programs in JavaScript."""
        person = {"email": self.user.email, "password": self.user.password, "name": self.user.name}
        clients = {name: asdict(client) for name, client in self.clients.items()}
        told = {"issuer": self.issuer, "user": person, "resource": RESOURCE, "clients": clients}
        path.touch(mode=0o600)
        path.write_text(json.dumps(told))

    def stop(self) -> None:
        """Stops the control plane and the application's server."""
        self.plane.stop()
        self.receiver.stop()


def _number(value: int) -> str:
    return _text(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def _text(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def key_pair(algorithm: str, kid: str) -> tuple[dict[str, str], str]:
    """A fresh key for `algorithm`: the public part as a JWK, the private part in base64."""
    key: ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
    public: dict[str, str]
    if algorithm == "EdDSA":
        key = ed25519.Ed25519PrivateKey.generate()
        public = {"kty": "OKP", "crv": "Ed25519", "x": _text(key.public_key().public_bytes_raw())}
    elif algorithm == "ES256":
        key = ec.generate_private_key(ec.SECP256R1())
        point = key.public_key().public_numbers()
        coordinates = {"x": _text(point.x.to_bytes(32, "big")), "y": _text(point.y.to_bytes(32, "big"))}
        public = {"kty": "EC", "crv": "P-256", **coordinates}
    else:
        key = rsa.generate_private_key(65537, 2048)
        numbers = key.public_key().public_numbers()
        public = {"kty": "RSA", "n": _number(numbers.n), "e": _number(numbers.e)}
    private = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return {**public, "kid": kid, "alg": algorithm, "use": "sig"}, b64encode(private).decode()


def _register(world: World, name: str, **more: Any) -> None:
    """Registers a client; with `key`, one that signs its assertions by that algorithm and gets its tokens
    signed by it; `fetched` if its public key is at an address.
    """
    key: dict[str, str] = {}
    if algorithm := more.pop("key", None):
        public, private = key_pair(algorithm, name)
        more |= {"authentication": "private_key_jwt", "algorithm": algorithm}
        if more.pop("fetched", False):
            world.receiver.keys.append(public)
            more["jwks_uri"] = f"{world.receiver.url}/jwks"
        else:
            more["jwks"] = {"keys": [public]}
        key = {"algorithm": algorithm, "kid": name, "key": private}
    redirect_uri = more.pop("redirect_uri", CALLBACK)
    body: dict[str, Any] = {
        "id": name.lower(),
        "name": f"The {name} client",
        "kind": more.pop("kind", "confidential"),
        "redirect_uris": [redirect_uri] if redirect_uri else [],
        "logout_uris": [LOGGED_OUT],
        "scopes": SCOPES,
        **more,
    }
    made = world.plane.register(body)
    world.clients[name] = Registered(
        made["client"]["id"], made.get("secret"), redirect_uri or CALLBACK, **key
    )


def build(folder: Path, path: str = "") -> World:
    """Starts a control plane with its data in `folder` and registers everybody. `path` ends its issuer."""
    tls = Tls.make(folder / "tls")
    plane, receiver = ControlPlane(folder, tls=tls, path=path), Receiver()
    try:
        world = World(plane, tls, plane.add_user("ada@example.com", "Ada Lovelace"), receiver)
        populate(world)
    except BaseException:
        plane.stop()
        receiver.stop()
        raise
    world.write(folder / "world.json")
    return world


def populate(world: World) -> None:
    """Registers a client of every kind, and the API they ask tokens for."""
    _register(world, "server")
    scopes = [{"name": "expenses:read", "description": "Read your expenses"}]
    api = {"uri": RESOURCE, "name": "Expenses", "client": "server", "scopes": scopes}
    world.plane.administer("POST", "/resources", api)
    reach: dict[str, Any] = {"resources": [RESOURCE]}
    _register(world, "web", grants=[*CODE, "client_credentials"], **reach)
    _register(world, "native", kind="public", redirect_uri=NATIVE_CALLBACK, **reach)
    for algorithm in ("EdDSA", "ES256", "RS256", "PS256"):
        _register(world, f"key-{algorithm}", key=algorithm, **reach)
        # Authlib's assertions name the token endpoint as audience.
        _register(world, f"legacy-{algorithm}", key=algorithm, endpoint_audience=True, **reach)
    _register(world, "strict", key="ES256", require_pushed=True, require_dpop=True, **reach)
    machine: dict[str, Any] = {"redirect_uri": "", "grants": ["client_credentials"], **reach}
    _register(world, "service", **machine)
    _register(world, "service-key", key="ES256", **machine)
    _register(world, "service-fetched", key="ES256", fetched=True, **machine)
    _register(world, "notified", backchannel_logout_uri=f"{world.receiver.url}/logout")
    _register(world, "bound", require_dpop=True, **machine)
    _register(world, "device", kind="public", redirect_uri="", grants=[DEVICE, "refresh_token"], **reach)
