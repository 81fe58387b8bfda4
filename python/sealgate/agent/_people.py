"""What takes a person: a browser, or a code for another device."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol


class Browser(Protocol):
    """Shows a sign-in to a person. The methods are called on threads of their own and may wait."""

    @property
    def redirect_uri(self) -> str:
        """Where the sign-in sends the browser when it is done."""
        ...

    def sign_in(self, url: str, /) -> str:
        """Opens `url` and waits until the browser was sent to `redirect_uri`; the whole URL it was sent
        to.
        """
        ...


@dataclass(frozen=True)
class DeviceCode:
    """What a person enters on another device."""

    user_code: str
    """What to enter."""
    verification_uri: str
    """Where."""
    verification_uri_complete: str | None
    """The same with the code in it, for a link or a picture."""
    ends_at: datetime
    """Until when, in UTC."""


def show_on_terminal(code: DeviceCode) -> None:
    """Tells standard error where to enter what."""
    print(f"Open {code.verification_uri} and enter the code {code.user_code}", file=sys.stderr, flush=True)


def device_code(user_code: str, uri: str, complete: str | None, ends_at: str) -> DeviceCode:
    """Puts a code together from what the extension tells."""
    return DeviceCode(user_code, uri, complete, datetime.fromtimestamp(int(ends_at), UTC))
