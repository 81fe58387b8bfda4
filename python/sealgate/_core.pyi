"""The extension: a thin skin over the Rust gate."""

from collections.abc import Callable
from typing import Literal, Never, Self, final

__version__: str
"""The version of the package."""

class SettingsError(ValueError):
    """A setting or a marking of a route cannot be used; the message names it and the way out."""

@final
class User:
    """A human who passed the gate. Two are equal when every field is."""

    def __new__(cls, _: Never, /) -> Self:
        """Only the gate makes users: nothing can be given to this."""

    @property
    def id(self) -> str:
        """The issuer's stable id for the user (`sub`)."""

    @property
    def email(self) -> str | None:
        """The e-mail address, when the issuer gave one."""

    @property
    def name(self) -> str | None:
        """The name to show, when the issuer gave one."""

    @property
    def scopes(self) -> frozenset[str]:
        """The scopes granted to the session."""

    @property
    def roles(self) -> frozenset[str]:
        """The roles the issuer says the user has."""

    @property
    def session_id(self) -> str | None:
        """The session (`sid`) that the user came with."""

    def __eq__(self, other: object) -> bool: ...
    def __hash__(self) -> int: ...

@final
class Decision:
    """What the gate decided about one request."""

    def __new__(cls, _: Never, /) -> Self:
        """Only the core decides: nothing can be given to this."""

    @property
    def outcome(self) -> Literal[0, 1, 2]:
        """0: it goes on. 1: the gate answers it. 2: hand it to `Core.finish` first."""

    @property
    def body_limit(self) -> int | None:
        """How many bytes of the body `Core.finish` needs; `None` if it needs none."""

    @property
    def actor(self) -> User | None:
        """Who calls, when it goes on."""

    @property
    def set_cookies(self) -> tuple[bytes, ...]:
        """`Set-Cookie` values for the application's answer, when it goes on."""

    @property
    def status(self) -> int:
        """The status code, when the gate answers; else 0."""

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """The header fields, when the gate answers."""

    @property
    def body(self) -> bytes:
        """The body, when the gate answers."""

    @property
    def reason(self) -> str:
        """The stable reason code, when the gate answers with a refusal; else empty."""

@final
class Core:
    """The gate itself: settings, keys, the revocation view and the thread that keeps it fresh."""

    UNMARKED: int
    """The requirement of a route that nobody marked."""

    def __new__(cls, **settings: str) -> Core:
        """Takes settings by their environment names without `SEALGATE_`, in lower case.

        Raises `SettingsError`.
        """

    @staticmethod
    def from_env() -> Core:
        """Takes every setting from the environment. Raises `SettingsError`."""

    def require_user(self, scopes: list[str], roles: list[str]) -> int:
        """The number of the requirement "a user with all of these"; equal ones share it."""

    def require_public(self, reason: str) -> int:
        """The number of the requirement "everybody, because"; equal ones share it."""

    def decide(
        self,
        transport: Literal["http", "websocket"],
        method: str,
        path: str,
        query: bytes,
        headers: list[tuple[bytes, bytes]],
        requirement: int,
    ) -> Decision:
        """Decides about one request; never blocks and does no I/O.

        `path` is decoded and counts from the root of the host; header names are in lower case.
        """

    def finish(
        self, decision: Decision, done: Callable[[Decision | None], None], body: bytes | None = None
    ) -> None:
        """Carries a pending decision through on the extension's own thread.

        `body` is the request's, where the decision's `body_limit` asks for it; of a longer one, one byte
        more than that.
        `done` is called once, from that thread, with the final decision, or with `None` when the core
        was stopped first.
        """

    def check(self, actor: User, requirement: int) -> str | None:
        """The reason code why `actor` does not meet the requirement, or `None`."""

    def start(self) -> None:
        """Starts the background thread. Calling it again, or after a fork, is fine."""

    def stop(self) -> None:
        """Ends the background thread."""

    @property
    def ready(self) -> bool:
        """Whether the revocation view is there and fresh."""

    def wait_ready(self, seconds: float, done: Callable[[bool], None]) -> None:
        """Calls `done`, from the background thread, once ready or when the time is up."""

    @property
    def cookie_name(self) -> str:
        """The name of the cookie that holds the sealed session."""
