"""Who calls: the three kinds of actor, and any of them."""

from __future__ import annotations

from typing import TypeAlias

from sealgate._core import Agent, Machine, User

Actor: TypeAlias = User | Machine | Agent
"""Whoever passed the gate."""

__all__ = ["Actor", "Agent", "Machine", "User"]
