"""The `httpx.Auth` of an agent."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import importlib.util
from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from concurrent.futures import Future
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from sealgate._core import AgentAnswer, AgentClient
from sealgate.agent._browser import LoopbackBrowser
from sealgate.agent._error import checked
from sealgate.agent._people import Browser, DeviceCode, device_code, show_on_terminal
from sealgate.agent._setup import setup, text_of
from sealgate.agent._store import TokenStore

if TYPE_CHECKING:
    import httpx
    import httpx2

    class _Auth(httpx.Auth, httpx2.Auth):
        # Requests of either library.
        def auth_flow(self, request: Any) -> Generator[Any, Any, None]: ...
        def sync_auth_flow(self, request: Any) -> Generator[Any, Any, None]: ...
        def async_auth_flow(self, request: Any) -> AsyncGenerator[Any, Any]: ...

    _STREAMS: tuple[type, ...]
else:
    # Each takes only an `Auth` of its own: the official `mcp` client is written with httpx2, most others with
    # httpx.
    _LIBRARIES = [
        importlib.import_module(name)
        for name in ("httpx", "httpx2")
        if importlib.util.find_spec(name) is not None
    ]
    if not _LIBRARIES:
        raise ImportError("an agent needs httpx: pip install 'sealgate[client]'", name="httpx")
    _Auth = type("_Auth", tuple(library.Auth for library in _LIBRARIES), {})
    _STREAMS = tuple(library.ByteStream for library in _LIBRARIES)

NAME = "Sealgate agent"
"""What an agent is called where nobody named it."""


class AgentAuth(_Auth):
    """Authenticates requests to one protected resource; for sync and async clients of httpx and httpx2,
    asyncio only.

    A request first goes as it is, or with the token that is there. When the resource asks for a token, for
    another or for more scopes, it is got and the request made once more; whatever many requests need at once
    is got once. A request that is not at or below the resource's URL raises `AgentError` and is not sent, and
    so does one for which there is no token. One and the same `AgentAuth` may serve many clients.

    Every constructor takes the resource's `url`; `scopes` to ask for in any case; `dpop`: whether tokens are
    bound to a key of the agent's (`None`: where the resource asks for it and the server offers it); a `store`
    in which the session outlives the process; and `authority`, a PEM file with certificate authorities to
    trust besides the system's.
    """

    def __init__(self, client: AgentClient) -> None:
        """Takes the extension's client: use one of the constructors."""
        self._client = client

    @classmethod
    def browser(
        cls,
        url: str,
        *,
        browser: Browser | None = None,
        client_id: str | None = None,
        client_secret: str | None = None,
        private_key: str | PathLike[str] | None = None,
        issuer: str | None = None,
        document: str | None = None,
        register: bool = True,
        name: str = NAME,
        scopes: Sequence[str] = (),
        dpop: bool | None = None,
        offline: bool = True,
        store: TokenStore | None = None,
        authority: str | PathLike[str] | None = None,
    ) -> Self:
        """A person signs in in a browser, by default the system's (`LoopbackBrowser`).

        The agent is known to the authorization server as `client_id`, if somebody registered it (with
        `issuer`, to that one alone); else by `document`, the https URL of a document about it; else it
        registers itself as `name`, unless `register` is off. With `offline` the session outlives its token
        where the server offers it.
        """
        shown = LoopbackBrowser() if browser is None else browser
        return cls._of(
            setup(
                url,
                "browser",
                name,
                scopes,
                store,
                authority,
                client_id=client_id,
                client_secret=client_secret,
                private_key=text_of(private_key),
                issuer=issuer,
                document=document,
                registers=register,
                dpop=dpop,
                offline=offline,
                redirect_uri=lambda: shown.redirect_uri,
                sign_in=shown.sign_in,
            )
        )

    @classmethod
    def device(
        cls,
        url: str,
        *,
        show: Callable[[DeviceCode], object] = show_on_terminal,
        client_id: str | None = None,
        client_secret: str | None = None,
        private_key: str | PathLike[str] | None = None,
        issuer: str | None = None,
        document: str | None = None,
        register: bool = True,
        name: str = NAME,
        scopes: Sequence[str] = (),
        dpop: bool | None = None,
        offline: bool = True,
        store: TokenStore | None = None,
        authority: str | PathLike[str] | None = None,
    ) -> Self:
        """A person signs in on another device: `show` tells them where to enter what, by default on standard
        error.

        For the rest see `browser`.
        """

        def shown(user_code: str, uri: str, complete: str | None, ends_at: str) -> None:
            show(device_code(user_code, uri, complete, ends_at))

        return cls._of(
            setup(
                url,
                "device",
                name,
                scopes,
                store,
                authority,
                client_id=client_id,
                client_secret=client_secret,
                private_key=text_of(private_key),
                issuer=issuer,
                document=document,
                registers=register,
                dpop=dpop,
                offline=offline,
                show=shown,
            )
        )

    @classmethod
    def machine(
        cls,
        url: str,
        *,
        client_id: str,
        private_key: str | PathLike[str] | None = None,
        key_id: str | None = None,
        algorithm: str | None = None,
        client_secret: str | None = None,
        issuer: str | None = None,
        scopes: Sequence[str] = (),
        dpop: bool | None = None,
        store: TokenStore | None = None,
        authority: str | PathLike[str] | None = None,
    ) -> Self:
        """For itself (`client_credentials`), as the client that somebody registered.

        It proves who it is with `private_key`: PEM (PKCS#8) of an Ed25519, P-256 or RSA key, or the path of
        the file that holds it; `key_id` is the key's id if it was registered with one, `algorithm` the one to
        sign with if the key leaves a choice (`PS256`). A `client_secret` is for servers that have nothing
        better. With `issuer` it is shown to that one alone; without, to the first one that the resource
        names, and then to no other.
        """
        if (private_key is None) == (client_secret is None):
            raise ValueError("a machine has either private_key or client_secret")
        return cls._of(
            setup(
                url,
                "machine",
                NAME,
                scopes,
                store,
                authority,
                client_id=client_id,
                client_secret=client_secret,
                private_key=text_of(private_key),
                key_id=key_id,
                algorithm=algorithm,
                issuer=issuer,
                dpop=dpop,
            )
        )

    @classmethod
    def workload(
        cls,
        url: str,
        *,
        token: Callable[[str], str] | PathLike[str],
        client_id: str | None = None,
        issuer: str | None = None,
        scopes: Sequence[str] = (),
        dpop: bool | None = None,
        store: TokenStore | None = None,
        authority: str | PathLike[str] | None = None,
    ) -> Self:
        """As the workload that a token of its platform names (RFC 7523): nothing is stored that could leak.

        `token` is the path of the file that the platform keeps fresh, or a function that takes the audience
        (the authorization server's issuer) and gives a token for it. It is shown to a server that its `aud`
        names, or to `issuer` alone, if that is given. A token that was refused is not sent again.
        """
        read = token if callable(token) else _FileToken(Path(token))
        return cls._of(
            setup(
                url,
                "workload",
                NAME,
                scopes,
                store,
                authority,
                client_id=client_id,
                issuer=issuer,
                dpop=dpop,
                assertion=read,
            )
        )

    @classmethod
    def enterprise(
        cls,
        url: str,
        *,
        identity: Callable[[str], str],
        identity_issuer: str,
        identity_client_id: str,
        identity_client_secret: str | None = None,
        identity_endpoint: str | None = None,
        client_id: str,
        client_secret: str | None = None,
        private_key: str | PathLike[str] | None = None,
        issuer: str | None = None,
        scopes: Sequence[str] = (),
        dpop: bool | None = None,
        store: TokenStore | None = None,
        authority: str | PathLike[str] | None = None,
    ) -> Self:
        """For a person whom an enterprise's identity provider vouches for (ID-JAG): without a consent of
        their own.

        `identity` takes the provider's issuer and gives the person's ID token. The provider exchanges it, for
        the client `identity_client_id` there, for an assertion that the resource's authorization server takes
        from the client `client_id`. Its token endpoint is looked for, unless `identity_endpoint` says where
        it is.
        """
        return cls._of(
            setup(
                url,
                "enterprise",
                NAME,
                scopes,
                store,
                authority,
                client_id=client_id,
                client_secret=client_secret,
                private_key=text_of(private_key),
                issuer=issuer,
                dpop=dpop,
                identity_issuer=identity_issuer,
                identity_endpoint=identity_endpoint,
                identity_client_id=identity_client_id,
                identity_client_secret=identity_client_secret,
                assertion=identity,
            )
        )

    @classmethod
    def _of(cls, told: dict[str, object]) -> Self:
        return cls(AgentClient(told))

    @property
    def url(self) -> str:
        """The resource's URL."""
        return self._client.url

    @property
    def scopes(self) -> frozenset[str] | None:
        """The scopes of the token that is there; `None` without one."""
        scopes = self._client.scopes()
        return None if scopes is None else frozenset(scopes)

    def sign_in(self) -> None:
        """Gets a token beforehand: where the first request should not wait for a person, or cannot be made
        twice.
        """
        checked(_wait(self._client.sign_in))

    async def sign_in_async(self) -> None:
        """The same without blocking the event loop."""
        checked(await _wait_async(self._client.sign_in))

    def sign_out(self) -> None:
        """Gives the tokens back to the authorization server, and forgets them here and in the store."""
        checked(_wait(self._client.sign_out))

    async def sign_out_async(self) -> None:
        """The same without blocking the event loop."""
        checked(await _wait_async(self._client.sign_out))

    def sync_auth_flow(self, request: Any) -> Generator[Any, Any, None]:
        """Sends the request, and once more for each thing that the other side asks for."""
        tried: set[str] = set()
        while True:
            sent = self._at_hand(request) or _wait(self._asks(request))
            _put(request, sent)
            response = yield request
            if not _may_need_more(request, response):
                return
            if not _again(request, checked(_wait(self._learns(sent, response))), tried):
                return

    async def async_auth_flow(self, request: Any) -> AsyncGenerator[Any, Any]:
        """The same without blocking the event loop."""
        tried: set[str] = set()
        while True:
            sent = self._at_hand(request) or await _wait_async(self._asks(request))
            _put(request, sent)
            response = yield request
            if not _may_need_more(request, response):
                return
            if not _again(request, checked(await _wait_async(self._learns(sent, response))), tried):
                return

    def _at_hand(self, request: Any) -> AgentAnswer | None:
        return self._client.at_hand(request.method, str(request.url))

    def _asks(self, request: Any) -> _Ask:
        return lambda done: self._client.get(request.method, str(request.url), done)

    def _learns(self, sent: AgentAnswer, response: Any) -> _Ask:
        request, fields = response.request, response.headers
        nonce = fields.get("dpop-nonce")
        challenges = [value.encode() for value in fields.get_list("www-authenticate")]
        return lambda done: self._client.answered(
            sent,
            request.method,
            str(request.url),
            response.status_code,
            challenges,
            None if nonce is None else nonce.encode(),
            done,
        )

    def __repr__(self) -> str:
        """Names the resource, and nothing secret."""
        return f"AgentAuth({self.url!r})"


class _FileToken:
    """A token that its platform keeps fresh in a file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __call__(self, _audience: str) -> str:
        return self._path.read_text().strip()


_Ask = Callable[[Callable[[AgentAnswer], None]], None]


def _wait(ask: _Ask) -> AgentAnswer:
    got: Future[AgentAnswer] = Future()
    ask(got.set_result)
    return got.result()


async def _wait_async(ask: _Ask) -> AgentAnswer:
    loop = asyncio.get_running_loop()
    got: asyncio.Future[AgentAnswer] = loop.create_future()

    def settle(answer: AgentAnswer) -> None:
        if not got.done():  # Whoever waited may have been cancelled.
            got.set_result(answer)

    def done(answer: AgentAnswer) -> None:
        with contextlib.suppress(RuntimeError):  # The loop may have been closed meanwhile.
            loop.call_soon_threadsafe(settle, answer)

    ask(done)
    return await got


def _put(request: Any, answer: AgentAnswer) -> None:
    checked(answer)
    for name, value in (("authorization", answer.authorization), ("dpop", answer.dpop)):
        if value is not None:
            request.headers[name] = value
        elif name in request.headers:
            del request.headers[name]


def _may_need_more(request: Any, response: Any) -> bool:
    # What a redirect led to is not who the headers were for.
    return response.request is request and (
        response.status_code in (401, 403) or "dpop-nonce" in response.headers
    )


def _again(request: Any, answer: AgentAnswer, tried: set[str]) -> bool:
    reason = answer.again
    # A body that streams is gone: then the caller gets the answer as it is, and the next request goes better.
    if reason is None or reason in tried or not isinstance(request.stream, _STREAMS):
        return False
    tried.add(reason)
    return True
