"""The `httpx.Auth` that puts a token, and a proof where it is bound, on each request."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Generator
from concurrent.futures import Future

import httpx

from sealgate._core import Agent, Onward, OnwardClient, User
from sealgate.onward import OnwardError


class OnwardAuth(httpx.Auth):
    """Authenticates requests to one other service; for sync and async clients, asyncio only.

    Raises `OnwardError` from the request when there is no token for it; it is not sent then.
    """

    def __init__(self, client: OnwardClient, user: User | Agent | None) -> None:
        """Takes the calls, and for whom they are; `None`: for the application itself."""
        self._client = client
        self._user = user

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Sends the request, and up to twice more when the other side asks for that."""
        tried: set[str] = set()
        while True:
            sent = _put(request, self._at_hand(request) or self._wait(request))
            response = yield request
            if not self._again(sent, request, response, tried):
                return

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """The same without blocking the event loop."""
        tried: set[str] = set()
        while True:
            sent = _put(request, self._at_hand(request) or await self._wait_async(request))
            response = yield request
            if not self._again(sent, request, response, tried):
                return

    def _at_hand(self, request: httpx.Request) -> Onward | None:
        return self._client.at_hand(self._user, request.method, str(request.url))

    def _wait(self, request: httpx.Request) -> Onward:
        got: Future[Onward] = Future()
        self._client.get(self._user, request.method, str(request.url), got.set_result)
        return got.result()

    async def _wait_async(self, request: httpx.Request) -> Onward:
        loop = asyncio.get_running_loop()
        got: asyncio.Future[Onward] = loop.create_future()

        def settle(onward: Onward) -> None:
            if not got.done():  # Whoever waited may have been cancelled.
                got.set_result(onward)

        def done(onward: Onward) -> None:
            with contextlib.suppress(RuntimeError):  # The loop may have been closed meanwhile.
                loop.call_soon_threadsafe(settle, onward)

        self._client.get(self._user, request.method, str(request.url), done)
        return await got

    def _again(self, sent: Onward, request: httpx.Request, response: httpx.Response, tried: set[str]) -> bool:
        if response.request is not request:
            return False  # What a redirect led to is not who the headers were for.
        fields = response.headers
        nonce = fields.get("dpop-nonce")
        reason = self._client.answered(
            sent,
            response.status_code,
            [value.encode() for value in fields.get_list("www-authenticate")],
            None if nonce is None else nonce.encode(),
        )
        # A body that streams is gone: then the caller gets the answer as it is.
        if reason is None or reason in tried or not isinstance(request.stream, httpx.ByteStream):
            return False
        tried.add(reason)
        return True


def _put(request: httpx.Request, onward: Onward) -> Onward:
    authorization = onward.authorization
    if authorization is None:
        raise OnwardError(onward.message, onward.reason or "", temporary=onward.temporary)
    request.headers["authorization"] = authorization
    if onward.dpop is not None:
        request.headers["dpop"] = onward.dpop
    elif "dpop" in request.headers:
        del request.headers["dpop"]
    return onward
