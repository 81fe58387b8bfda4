"""Answers per second with the server's metadata, against oidc-provider."""

from __future__ import annotations

from kit.bench import Bench
from kit.documents import measured
from kit.figures import Figure

_PATH = "/.well-known/openid-configuration"


def measure(bench: Bench) -> Figure:
    """The same document at the same address."""
    return measured(bench, "discovery", _PATH, _PATH, "token_endpoint")
