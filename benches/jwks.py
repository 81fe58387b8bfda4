"""Answers per second with the signing keys, against oidc-provider."""

from __future__ import annotations

from kit.bench import Bench
from kit.documents import measured
from kit.figures import Figure


def measure(bench: Bench) -> Figure:
    """Every service that verifies a token asks for them now and then."""
    return measured(bench, "jwks", "/oauth/jwks", "/jwks", "keys")
