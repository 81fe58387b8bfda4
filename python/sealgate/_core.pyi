"""The extension: a thin skin over the Rust gate."""

from collections.abc import Callable, Mapping, MutableMapping
from datetime import datetime
from os import PathLike
from typing import Any, Literal, Never, Self, TypeVar, final

_T = TypeVar("_T")

__version__: str
"""The version of the package."""

class SettingsError(ValueError):
    """A setting or a marking of a route cannot be used; the message names it and the way out."""

class PolicyQuestionError(ValueError):
    """What was asked does not fit what the policies declare; `code` is the stable reason code."""

    code: str
    """The stable reason code."""

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
    def issuer(self) -> str:
        """Who vouches for the user: an id means something together with its issuer."""

    @property
    def scopes(self) -> frozenset[str]:
        """The scopes granted to the session or token."""

    @property
    def roles(self) -> frozenset[str]:
        """The roles the issuer says the user has."""

    @property
    def tenant(self) -> str | None:
        """The organisation the user belongs to, when the issuer gave one."""

    @property
    def acr(self) -> str | None:
        """How the user proved who they are (`acr`), when the issuer said."""

    @property
    def authenticated_at(self) -> datetime | None:
        """When the user last did, in UTC, when the issuer said."""

    @property
    def client_id(self) -> str | None:
        """The client through which the user calls."""

    @property
    def via(self) -> tuple[str, ...]:
        """The services that pass the call on for the user, nearest first."""

    @property
    def session_id(self) -> str | None:
        """The session (`sid`) that the user came with."""

    def __eq__(self, other: object) -> bool: ...
    def __hash__(self) -> int: ...

@final
class Machine:
    """A service, job or workload that passed the gate. Two are equal when every field is."""

    def __new__(cls, _: Never, /) -> Self:
        """Only the gate makes machines: nothing can be given to this."""

    @property
    def id(self) -> str:
        """The issuer's stable id for it (`sub`)."""

    @property
    def client_id(self) -> str:
        """Its client."""

    @property
    def issuer(self) -> str:
        """Who vouches for the machine: an id means something together with its issuer."""

    @property
    def scopes(self) -> frozenset[str]:
        """The scopes granted to its token."""

    @property
    def roles(self) -> frozenset[str]:
        """The roles the issuer says it has."""

    @property
    def tenant(self) -> str | None:
        """The organisation it belongs to, when the issuer gave one."""

    def __eq__(self, other: object) -> bool: ...
    def __hash__(self) -> int: ...

@final
class Agent:
    """An AI client that passed the gate. Two are equal when every field is."""

    def __new__(cls, _: Never, /) -> Self:
        """Only the gate makes agents: nothing can be given to this."""

    @property
    def id(self) -> str:
        """The issuer's stable id for it: its client."""

    @property
    def user(self) -> User | None:
        """The user for whom it acts; `None` when it acts for itself."""

    @property
    def issuer(self) -> str:
        """Who vouches for the agent: an id means something together with its issuer."""

    @property
    def scopes(self) -> frozenset[str]:
        """The scopes granted to its token."""

    @property
    def roles(self) -> frozenset[str]:
        """The roles the token carries: those of the user, when it acts for one."""

    @property
    def tenant(self) -> str | None:
        """The organisation it belongs to or acts in, when the issuer gave one."""

    @property
    def via(self) -> tuple[str, ...]:
        """The services that pass the call on for the agent, nearest first."""

    @property
    def session_id(self) -> str | None:
        """The session (`sid`) on which it acts, when it acts for a user."""

    def __eq__(self, other: object) -> bool: ...
    def __hash__(self) -> int: ...

@final
class FeedStatus:
    """How the revocation feed fares, as one process sees it at one moment."""

    def __new__(cls, _: Never, /) -> Self:
        """Only the gate makes these: nothing can be given to this."""

    @property
    def fresh(self) -> bool:
        """Whether everything is known that was revoked before the staleness bound."""

    @property
    def age(self) -> float | None:
        """How old what is known is at most, in seconds; `None` before the first snapshot."""

    @property
    def bound(self) -> float:
        """The staleness bound, in seconds."""

    @property
    def lag(self) -> float | None:
        """Seconds from the moment that the newest message speaks of to its receipt, by the clocks of two
        machines; `None` where another process follows the feed.
        """

    @property
    def entries(self) -> int:
        """How many revocations are known."""

    @property
    def shared(self) -> bool:
        """Whether all processes of this machine share one view."""

    @property
    def leading(self) -> bool:
        """Whether this process is the one that follows the feed."""

    @property
    def connected(self) -> bool:
        """Whether word of the feed keeps coming, by this process's own connection or another's."""

    @property
    def reconnects(self) -> int:
        """How often this process connected again."""

    @property
    def resyncs(self) -> int:
        """How often it had to read everything anew."""

    @property
    def snapshots(self) -> int:
        """How many snapshots it read."""

    @property
    def receipts(self) -> int:
        """How many receipts the control plane took from it."""

    @property
    def skew(self) -> float | None:
        """How far the control plane's clock is ahead of this machine's, in seconds, when this process last
        read a snapshot.
        """

    @property
    def stale_since(self) -> datetime | None:
        """Since when what is known has been too old, in UTC; `None` while it is not, and before it ever was
        fresh.
        """

    @property
    def times_stale(self) -> int:
        """How often that came about."""

@final
class Pins:
    """Attributes of objects, and the very values that they had."""

    def __new__(cls, pins: list[tuple[object, str, object]]) -> Self:
        """Takes owners, names of attributes and values; of a list, the items as they are now."""

    def hold(self) -> bool:
        """Whether every attribute still has the very value, and every list the very items."""

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
    def actor(self) -> User | Machine | Agent | None:
        """Who calls, when it goes on."""

    @property
    def set_cookies(self) -> tuple[bytes, ...]:
        """`Set-Cookie` values for the application's answer, when it goes on."""

    @property
    def status(self) -> int:
        """The status code, when the gate answers; else 0."""

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """The header fields of the gate's answer, or those to add to the application's, when it goes on."""

    @property
    def record(self) -> dict[str, str | None] | None:
        """For the log of decisions: who was refused, where that is known."""

    @property
    def body(self) -> bytes:
        """The body, when the gate answers."""

    @property
    def reason(self) -> str:
        """The stable reason code, when the gate answers with a refusal, or when a request goes on that would
        not as a rule; else empty.
        """

@final
class RouteLock:
    """What was reviewed of an application's routes: the lock file."""

    def __new__(cls, text: str, file: str) -> RouteLock:
        """Reads the text of a lock file, whose name is for messages. Raises `ValueError`."""

    @property
    def digest(self) -> str:
        """The SHA-256 of its text, in hexadecimal."""

    @property
    def apps(self) -> list[str]:
        """The applications in it."""

    def unreviewed(self, app: str, inventory: str) -> list[tuple[list[str], str, str, str]]:
        """The routes of a running application, as its inventory tells them in JSON, that the file lacks or
        has with more asked: methods, path, rule, and what is wrong.

        `app` is what the file calls the application. Raises `ValueError` for what is no inventory.
        """

@final
class Core:
    """The gate itself: settings, keys, the revocation view and the thread that keeps it fresh."""

    UNMARKED: int
    """The requirement of a route that nobody marked."""
    UNREVIEWED: int
    """The requirement of a route that is not as it was reviewed."""

    def __new__(cls, place: str | None = None, /, **settings: str) -> Core:
        """Takes settings by their environment names without `SEALGATE_`, in lower case.

        `place` tells in errors where they are given. Raises `SettingsError`.
        """

    @staticmethod
    def from_env(file: str | PathLike[str] | None = None) -> Core:
        """Takes every setting from the environment, and from `file` what is not set there.

        Raises `SettingsError`.
        """

    def require(
        self,
        kinds: list[str],
        *,
        optional: bool = False,
        scopes: list[str] = ...,
        any_scopes: list[str] = ...,
        roles: list[str] = ...,
        any_roles: list[str] = ...,
        acr: list[str] = ...,
        max_age: int | None = None,
        tenant: str | None = None,
        stale_ok: bool = False,
        actions: list[str] = [],
        route: str | None = None,
    ) -> int:
        """The number of the requirement "an actor of these kinds with all of these"; equal ones share it.

        A kind is `user`, `machine` or `agent`; `max_age` is in whole seconds. With `stale_ok` a view that is
        not fresh may do for a while, where the settings allow it. The policies have to allow all `actions`
        with `route`, as they call it; without one they are refused. Raises `ValueError`.
        """

    def require_public(self, reason: str) -> int:
        """The number of the requirement "everybody, because"; equal ones share it."""

    def admit(
        self, scope: MutableMapping[str, Any], requirement: int, template: str | None = None
    ) -> Decision | User | Machine | Agent | None:
        """Decides about the request of an ASGI scope of the types `http` and `websocket`.

        It never blocks and does no I/O. Where nothing but the actor is to be told, the answer is the actor
        alone, or `None` for nobody; that is taken down for the log of decisions, with the route's `template`.
        """

    def note_decision(
        self, scope: MutableMapping[str, Any], decision: Decision, template: str | None = None
    ) -> None:
        """Takes down a decision, once it is settled, for the control plane's log of decisions."""

    def note_outcome(
        self,
        scope: MutableMapping[str, Any],
        outcome: str,
        reason: str,
        status: int | None = None,
        actor: User | Machine | Agent | None = None,
        template: str | None = None,
    ) -> None:
        """Takes down what else came of a request: `ended`, `withheld`, or `refused` without a decision."""

    def admit_known(
        self, scope: MutableMapping[str, Any], pins: Pins, known: Mapping[tuple[str, str, str, str], _T]
    ) -> tuple[_T, Decision | User | Machine | Agent | None] | None:
        """The same for a request of which `known` tells what it reaches, as long as `pins` hold: the value
        that stands there under the request's type, method, root path and path, which has a `number`, and what
        `admit` would answer. `None` where it is not known.
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

    def check(self, actor: User | Machine | Agent, requirement: int) -> str | None:
        """The reason code why `actor` does not meet the requirement, or `None`."""

    def refusal(
        self, actor: User | Machine | Agent | None, requirement: int, tenant: str | None = None
    ) -> Decision | None:
        """The gate's answer to `actor`, or to nobody, who does not meet the requirement or does not belong to
        `tenant`; `None` when all is well.
        """

    def csrf_token(self, actor: User | Machine | Agent) -> str:
        """A token for forms of pages that are shown to `actor`; empty if they came without a session."""

    def standing(self, actor: User | Machine | Agent) -> str | None:
        """The reason code why what `actor` came with is not good any more, or `None`."""

    def fallen(self, connections: list[tuple[User | Machine | Agent, int]]) -> list[tuple[int, str]]:
        """Where in `connections`, each an actor and the number of what let them in, those stand whose
        credential is not good any more, or who may not do any more what the policies were asked for, with the
        reason code.
        """

    @staticmethod
    def record(actor: User | Machine | Agent) -> dict[str, str | None]:
        """Who `actor` is and what they came with, for the log of decisions."""

    def routes_are(
        self, inventory: str, lock_digest: str | None = None, differing: int | None = None
    ) -> None:
        """Tells the control plane, from now on, which routes stand behind the gate.

        `inventory` is that of the application in JSON, `lock_digest` that of the lock file if there is one,
        and `differing` how many routes are not as it has them, if that could be told. Raises `ValueError`
        for what is no inventory.
        """

    def start(self) -> None:
        """Starts the background thread. Calling it again, or after a fork, is fine."""

    def stop(self) -> None:
        """Ends the background thread."""

    @property
    def feed(self) -> FeedStatus:
        """How the revocation feed fares."""

    def openmetrics(self) -> str:
        """The same and what was decided, as OpenMetrics text."""

    def note_withheld(self) -> None:
        """Counts an answer that was withheld."""

    @property
    def ready(self) -> bool:
        """Whether the revocation view is there and fresh."""

    def wait_ready(self, seconds: float, done: Callable[[bool], None]) -> None:
        """Calls `done`, from the background thread, once ready or when the time is up."""

    @property
    def cookie_name(self) -> str:
        """The name of the cookie that holds the sealed session."""

    @property
    def docs_open(self) -> bool:
        """Whether everybody may see the documentation pages."""

    @property
    def docs_client_id(self) -> str | None:
        """The public client for signing in on the documentation pages."""

    @property
    def hide_unknown_paths(self) -> bool:
        """Whether strangers are not told which paths lead nowhere."""

    @property
    def routes(self) -> str | None:
        """The lock file of routes, if the settings name one, and after `#` the application in it."""

    @property
    def development(self) -> bool:
        """Whether this is an application under development."""

    @property
    def base_url(self) -> str:
        """The application's public URL."""

    @property
    def provider(self) -> str:
        """The kind of provider at the issuer, as `SEALGATE_PROVIDER` names it."""

    @property
    def issuer(self) -> str:
        """The issuer."""

    @property
    def audiences(self) -> list[str]:
        """What access tokens must be made for."""

@final
class McpServer:
    """One MCP server of an application."""

    def __new__(
        cls,
        core: Core,
        path: str,
        base: int,
        tools: list[tuple[str, int]],
        *,
        prompts: list[tuple[str, int]] | None = None,
        resources: list[tuple[str, int]] | None = None,
        default: int | None = None,
        origins: list[str] = ...,
        root: bool = False,
        body_limit: int,
    ) -> McpServer:
        """Adds a server at `path` to the application of `core`. What is asked for is given by the numbers of
        requirements. Raises `ValueError`.
        """

    @property
    def number(self) -> int:
        """The number of the requirement "an actor who may come to this server"."""

    @property
    def audience(self) -> str:
        """The resource's identifier: what tokens for it are made for."""

    @property
    def metadata_url(self) -> str:
        """Where its metadata is."""

    @property
    def body_limit(self) -> int:
        """The longest body that is read, in bytes."""

    def arrives(
        self, actor: User | Machine | Agent, scope: MutableMapping[str, Any]
    ) -> Decision | bytes | None:
        """The answer to a request of `actor` that does not go on whatever its body is, or else what the
        server calls the session that it is about; `None` where it is about none.
        """

    def message(
        self, actor: User | Machine | Agent, scope: MutableMapping[str, Any], body: bytes
    ) -> Decision | None:
        """The answer to a message of `actor` that does not go on; `None` when it does. `body` is the whole
        body, or one byte more than `body_limit` of a longer one.
        """

    def session(self, actor: User | Machine | Agent, id: bytes) -> bytes | None:
        """The id by which `actor` knows the session that the server calls `id`; `None` for what is no id."""

def testing_actor(
    kind: Literal["user", "machine", "agent"],
    id: str,
    issuer: str,
    *,
    email: str | None = None,
    name: str | None = None,
    scopes: list[str] = ...,
    roles: list[str] = ...,
    tenant: str | None = None,
    acr: str | None = None,
    authenticated_at: int | None = None,
    client_id: str | None = None,
    via: list[str] = ...,
    user: User | None = None,
) -> User | Machine | Agent:
    """An actor that no issuer vouched for; `authenticated_at` in seconds since 1970."""

def act_refusal(
    core: Core,
    actor: User | Machine | Agent | None,
    action: str,
    resource: object,
    context: Mapping[str, object] | None = None,
) -> Decision | None:
    """The gate's answer to `actor`, or to nobody, whom the policies do not allow `action`, or `None`.

    `resource` is one, or the name of a route. Raises `PolicyQuestionError`, and `TypeError` for what is no
    resource.
    """

def act_denied(
    core: Core,
    actor: User | Machine | Agent,
    action: str,
    resource: object,
    context: Mapping[str, object] | None = None,
) -> str | None:
    """The reason code why the policies do not allow it, or `None`. Nothing is recorded.

    Raises as `act_refusal`.
    """

def testing_policies(core: Core, file: str | PathLike[str] | None) -> None:
    """From now on the policies of `file` decide about actors that a test puts there; with `None`, those
    that the gate has. Raises `SettingsError`.
    """

def testing_decide(
    core: Core, actor: User | Machine | Agent | None, scope: MutableMapping[str, Any], requirement: int
) -> Decision:
    """Decides about the request of an ASGI scope as if it came from `actor`, or from nobody.

    Credentials in it are not looked at; the requirement is judged as ever.
    """

@final
class OnwardClient:
    """Calls to one other resource."""

    def __new__(cls, core: Core, audience: str, scopes: list[str], places: list[str], dpop: bool) -> Self:
        """Takes the audience, the scopes, where tokens may be sent if not to the audience's own origin, and
        whether they are bound to this process's key. Raises `ValueError`.
        """

    def at_hand(self, actor: User | Machine | Agent | None, method: str, url: str) -> Onward | None:
        """The headers for one request, or why there can be none, if that is known now: it never waits.

        `None` sends the caller to `get`.
        """

    def get(
        self,
        actor: User | Machine | Agent | None,
        method: str,
        url: str,
        done: Callable[[Onward], None],
    ) -> None:
        """The headers for one request, told to `done` once, from the extension's own thread."""

    def answered(
        self, sent: Onward, status: int, challenges: list[bytes], nonce: bytes | None
    ) -> Literal["nonce", "token"] | None:
        """Learns from the answer to a request that `sent` went with; why the same request should be made
        once more, if it should.
        """

@final
class AgentClient:
    """An agent for one protected resource."""

    def __new__(cls, setup: Mapping[str, object], /) -> Self:
        """Takes everything that the agent is set up with; `ValueError` for what cannot be used."""

    @property
    def url(self) -> str:
        """The resource's URL."""

    def at_hand(self, method: str, url: str) -> AgentAnswer | None:
        """What goes with one request, or why nothing can, if that is known now: it never waits.

        `None` sends the caller to `get`.
        """

    def get(self, method: str, url: str, done: Callable[[AgentAnswer], None]) -> None:
        """What goes with one request, told to `done` once, from the extension's own thread."""

    def answered(
        self,
        sent: AgentAnswer,
        method: str,
        url: str,
        status: int,
        challenges: list[bytes],
        nonce: bytes | None,
        done: Callable[[AgentAnswer], None],
    ) -> None:
        """Learns from the answer to a request that `sent` went with, and gets what is missing.

        `done` is told once.
        """

    def sign_in(self, done: Callable[[AgentAnswer], None]) -> None:
        """Gets a token beforehand; told to `done` once."""

    def sign_out(self, done: Callable[[AgentAnswer], None]) -> None:
        """Gives the tokens back and forgets them; told to `done` once."""

    def scopes(self) -> list[str] | None:
        """The scopes of the token that is there; `None` without one."""

@final
class AgentAnswer:
    """What came of asking the agent for something."""

    def __new__(cls, _: Never, /) -> Self:
        """Only the core makes these: nothing can be given to this."""

    @property
    def authorization(self) -> str | None:
        """The value of `Authorization`; `None` where there is no token yet."""

    @property
    def dpop(self) -> str | None:
        """The value of `DPoP`; `None` when the token is not bound to a key."""

    @property
    def again(self) -> Literal["nonce", "token", "scopes"] | None:
        """Why the same request should be made once more, if it should."""

    @property
    def reason(self) -> str | None:
        """The stable reason code why it failed; `None` when it did not."""

    @property
    def message(self) -> str:
        """The same in words."""

    @property
    def temporary(self) -> bool:
        """Whether the same may go well a moment later."""

@final
class AgentReply:
    """Where the answer of one of the caller's functions goes."""

    def __new__(cls, _: Never, /) -> Self:
        """Only the core makes these: nothing can be given to this."""

    def give(self, value: str | None) -> None:
        """What the function gave."""

    def fail(self, why: str) -> None:
        """Why it gave nothing."""

@final
class Onward:
    """What came of asking for one request's headers."""

    def __new__(cls, _: Never, /) -> Self:
        """Only the core makes these: nothing can be given to this."""

    @property
    def authorization(self) -> str | None:
        """The value of `Authorization`; `None` when there is no token."""

    @property
    def dpop(self) -> str | None:
        """The value of `DPoP`; `None` when the token is not bound to a key."""

    @property
    def reason(self) -> str | None:
        """The stable reason code why there is no token; `None` when there is."""

    @property
    def message(self) -> str:
        """The same in words."""

    @property
    def temporary(self) -> bool:
        """Whether the same may go well a moment later."""
