"""Tokens per second for a client itself, against oidc-provider in memory."""

from __future__ import annotations

from kit.bench import Bench
from kit.figures import Figure
from kit.tokens import measured


def measure(bench: Bench) -> Figure:
    """Ours has the record of each token on the disk; oidc-provider keeps nothing."""
    turns = measured(bench)
    return Figure.of_gains(
        "client_credentials_peer",
        turns.rates["ours"],
        turns.rates["oidc-provider"],
        reference_name="oidc-provider in memory",
        unit="tokens/s",
        notes=turns.notes,
    )
