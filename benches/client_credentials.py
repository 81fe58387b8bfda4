"""Tokens per second for a client itself, against a bare server that signs and writes one row."""

from __future__ import annotations

from kit.bench import Bench
from kit.figures import Figure
from kit.tokens import measured


def measure(bench: Bench) -> Figure:
    """Ours looks the client up, checks its secret and what it may have, and has the record on the disk."""
    turns = measured(bench)
    return Figure.of_gains(
        "client_credentials",
        turns.rates["ours"],
        turns.rates["the floor"],
        reference_name="bare axum + sign + fsynced row",
        unit="tokens/s",
        notes=turns.notes,
    )
