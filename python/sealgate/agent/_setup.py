"""What an agent is set up with, as the extension takes it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from os import PathLike
from pathlib import Path
from typing import TypedDict, Unpack

from sealgate.agent import _calls
from sealgate.agent._store import TokenStore


class Setup(TypedDict, total=False):
    """Everything that the extension can be told; what is left out is `None`."""

    client_id: str | None
    client_secret: str | None
    private_key: str | None
    key_id: str | None
    algorithm: str | None
    issuer: str | None
    document: str | None
    registers: bool
    dpop: bool | None
    offline: bool
    identity_issuer: str | None
    identity_endpoint: str | None
    identity_client_id: str | None
    identity_client_secret: str | None
    redirect_uri: Callable[[], str] | None
    sign_in: Callable[[str], str] | None
    show: Callable[[str, str, str | None, str], None] | None
    assertion: Callable[[str], str] | None


def setup(
    url: str,
    grant: str,
    name: str,
    scopes: Sequence[str],
    store: TokenStore | None,
    authority: str | PathLike[str] | None,
    **more: Unpack[Setup],
) -> dict[str, object]:
    """Puts everything together; what nobody said is there too, as `None`."""
    if isinstance(scopes, str):
        raise ValueError(f"scopes is a list: write scopes={scopes.split()!r}")
    told: dict[str, object] = {}
    told.update(dict.fromkeys(Setup.__annotations__))
    told |= {"registers": False, "offline": False}
    told |= more
    told |= {
        "url": url,
        "grant": grant,
        "name": name,
        "scopes": list(scopes),
        "authority": None if authority is None else Path(authority).read_bytes(),
        "run": _calls.run,
        "load": None if store is None else store.load,
        "save": None if store is None else store.save,
        "forget": None if store is None else store.forget,
    }
    return told


def text_of(key: str | PathLike[str] | None) -> str | None:
    """A key in PEM, given as it is or as the file that it is in."""
    if key is None or isinstance(key, str):
        return key
    return Path(key).read_text()
