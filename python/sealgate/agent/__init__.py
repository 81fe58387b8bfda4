"""Calling protected resources as an agent, a job or a person at a terminal.

`AgentAuth` is an `httpx.Auth`: it finds the resource's authorization server, becomes a client there, gets
tokens and renews them, and answers what the resource asks for. The protocol is in the extension; the network
is off the event loop.
"""

from sealgate.agent._auth import AgentAuth
from sealgate.agent._browser import LoopbackBrowser
from sealgate.agent._error import AgentError
from sealgate.agent._people import Browser, DeviceCode
from sealgate.agent._store import MemoryStore, TokenStore

__all__ = [
    "AgentAuth",
    "AgentError",
    "Browser",
    "DeviceCode",
    "LoopbackBrowser",
    "MemoryStore",
    "TokenStore",
]
