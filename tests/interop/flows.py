"""What foreign clients do with the control plane, and which of them can do what."""

from __future__ import annotations

from collections.abc import Mapping

CLIENTS = ["openid-client", "oauth4webapi", "Authlib (requests)", "Authlib (httpx)", "mcp"]

ALGORITHMS = ["EdDSA", "ES256", "RS256", "PS256"]

FLOWS = [
    "discovery",
    "client_secret_basic",
    "client_secret_post",
    "public client, with consent",
    "consent refused",
    *(f"private_key_jwt and tokens with {algorithm}" for algorithm in ALGORITHMS),
    "iss in the answer",
    "form_post",
    "max_age",
    "prompt=none",
    "userinfo",
    "refresh",
    "revocation",
    "introspection",
    "introspection as JWT",
    "pushed authorization request",
    "resource indicator",
    "DPoP with nonces",
    *(f"DPoP proofs with {algorithm}" for algorithm in ["Ed25519", "ES256", "RS256", "PS256"]),
    "DPoP binds a public client's refresh token",
    "pushed, DPoP and private_key_jwt together",
    "client credentials",
    "device",
    "logout",
    "a wrong secret",
]

_NO_DPOP_ALGORITHM = {flow for flow in FLOWS if flow.startswith("DPoP proofs")}

SCRIPTS = {
    "openid-client": ("openid_client.test.mjs", [flow for flow in FLOWS if flow not in _NO_DPOP_ALGORITHM]),
    "oauth4webapi": ("oauth4webapi.test.mjs", [flow for flow in FLOWS if flow != "logout"]),
}
"""The clients in JavaScript: their script, and the flows that the library has."""


def table(done: Mapping[tuple[str, str], str]) -> str:
    """Each flow with each client: what came of it, `-` where the client does not have it."""
    clients = [client for client in CLIENTS if any(key[0] == client for key in done)]
    width = max(len(flow) for flow in FLOWS)
    lines = ["  ".join(["flow".ljust(width), *clients])]
    for flow in FLOWS:
        if any((client, flow) in done for client in clients):
            cells = [done.get((client, flow), "-").ljust(len(client)) for client in clients]
            lines.append("  ".join([flow.ljust(width), *cells]).rstrip())
    return "\n".join(lines)
