"""Streams and WebSockets end when what their caller came with is good no more, whatever serves them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from asgi_kit import Message
from connection_kit import Standing, application, behind, connected
from fastapi import WebSocket
from sealgate.connections import CLOSE_CODE
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.responses import StreamingResponse
from starlette.websockets import WebSocketDisconnect

WITHIN = 1.0
"""Seconds within which everything has to end."""


@pytest.fixture
def core() -> Standing:
    return Standing()


async def ticks() -> AsyncIterator[str]:
    while True:
        yield "tick\n"
        await asyncio.sleep(0.02)


def blocking_ticks() -> Iterator[str]:
    while True:
        yield "tick\n"
        time.sleep(0.02)


async def silence() -> AsyncIterator[str]:
    yield "first\n"
    await asyncio.Event().wait()


@pytest.mark.parametrize("source", [ticks, blocking_ticks, silence])
async def test_a_stream_is_cut_short(core: Standing, source: Any) -> None:
    app = application(core)
    app.get("/stream")(lambda: StreamingResponse(source()))
    async with connected(app, "/stream") as client:
        await client.begun()
        core.reason = "session_revoked"
        assert await client.ended() < WITHIN
        assert not client.complete, "the client takes what it has for the whole"
        assert client.error is None


@pytest.mark.parametrize("source", [ticks, blocking_ticks, silence])
async def test_a_stream_ends_behind_middleware_that_finishes_every_answer(
    core: Standing, source: Any
) -> None:
    app = application(core, Middleware(BaseHTTPMiddleware, dispatch=lambda request, call: call(request)))
    app.get("/stream")(lambda: StreamingResponse(source()))
    async with connected(app, "/stream") as client:
        await client.begun()
        core.reason = "session_revoked"
        assert await client.ended() < WITHIN
        assert client.error is None


async def test_a_stream_without_a_first_piece_is_cut_short(core: Standing) -> None:
    async def never() -> AsyncIterator[str]:
        await asyncio.Event().wait()
        yield "never"

    app = application(core)
    app.get("/stream")(lambda: StreamingResponse(never()))
    async with connected(app, "/stream") as client:
        await client.until(lambda: client.messages)
        core.reason = "feed_stale"
        assert await client.ended() < WITHIN
        assert client.kinds == ["http.response.start"]


async def test_a_socket_is_closed_with_the_reason(core: Standing) -> None:
    app = application(core)
    heard: list[str] = []

    @app.websocket("/ws")
    async def echo(socket: WebSocket) -> None:
        await socket.accept()
        while True:
            heard.append(await socket.receive_text())
            await socket.send_text(heard[-1])

    async with connected(app, "/ws", "websocket") as client:
        client.inbox.put_nowait({"type": "websocket.receive", "text": "hello"})
        await client.begun()
        core.reason = "session_revoked"
        assert await client.ended() < WITHIN
        assert client.error is None
        assert client.closes == [(CLOSE_CODE, "session_revoked")]
        assert heard == ["hello"]


async def test_a_handler_that_has_not_begun_to_answer_is_left_alone(core: Standing) -> None:
    app = application(core)
    go_on = asyncio.Event()

    @app.get("/slow")
    async def slow() -> str:
        await go_on.wait()
        return "done"

    async with connected(app, "/slow") as client:
        core.reason = "session_revoked"
        await asyncio.sleep(0.5)
        go_on.set()
        await client.ended()
        assert client.complete
        assert client.error is None


async def test_what_runs_after_the_answer_is_left_alone(core: Standing) -> None:
    done: list[str] = []

    async def background() -> None:
        await asyncio.sleep(0.5)
        done.append("all of it")

    async def inner(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"all"})
        await background()

    async with connected(behind(core, inner), "/") as client:
        await client.begun()
        core.reason = "session_revoked"
        await client.ended()
        assert done == ["all of it"]
        assert client.error is None


async def test_public_streams_are_nobodys_and_go_on(core: Standing) -> None:
    app = application(core)
    app.get("/public/stream")(lambda: StreamingResponse(ticks()))
    async with connected(app, "/public/stream") as client:
        await client.begun()
        core.reason = "feed_stale"
        await asyncio.sleep(0.6)
        assert client.task is not None
        assert not client.task.done()
        assert core.calls == []


async def test_an_application_that_swallows_the_cancellation_is_closed_over_its_head(core: Standing) -> None:
    stop = asyncio.Event()
    received: list[Message] = []

    async def stubborn(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "websocket.accept"})
        while not stop.is_set():
            try:
                await send({"type": "websocket.send", "text": "still here"})
                await asyncio.sleep(0.01)
                if asyncio.current_task().cancelling():  # type: ignore[union-attr]
                    received.append(await receive())
            except asyncio.CancelledError:
                continue

    async with connected(behind(core, stubborn), "/", "websocket") as client:
        await client.begun()
        core.reason = "session_expired"
        await client.until(lambda: client.closes, WITHIN)
        after = len(client.messages)
        await asyncio.sleep(0.2)
        assert len(client.messages) == after, "it goes on sending"
        assert client.closes == [(CLOSE_CODE, "session_expired")]
        assert received[-1]["type"] == "websocket.disconnect"
        stop.set()
        await client.ended()
        assert client.error is None
        assert client.closes == [(CLOSE_CODE, "session_expired")]


async def test_a_stubborn_stream_sends_nothing_more_and_ends(core: Standing) -> None:
    stop = asyncio.Event()

    async def stubborn(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while not stop.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await send({"type": "http.response.body", "body": b"more", "more_body": True})
                await asyncio.sleep(0.01)

    async with connected(behind(core, stubborn), "/") as client:
        await client.begun()
        core.reason = "session_revoked"
        await client.until(lambda: client.complete, WITHIN)
        assert client.messages[-1] == {"type": "http.response.body", "body": b"", "more_body": False}
        stop.set()
        await client.ended()
        assert client.error is None


async def test_an_application_may_tidy_up(core: Standing) -> None:
    tidy: list[str] = []

    async def careful(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "websocket.accept"})
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(1.2)
            tidy.append("done")

    async with connected(behind(core, careful), "/", "websocket") as client:
        await client.until(lambda: client.messages)
        core.reason = "session_revoked"
        await client.until(lambda: client.closes, WITHIN)
        assert tidy == []
        await client.ended()
        assert tidy == ["done"]


async def test_a_generator_that_wakes_as_its_connection_falls_tidies_up(core: Standing) -> None:
    tidied = asyncio.Event()

    async def wakes() -> AsyncIterator[str]:
        try:
            yield "first"
            await core.asked.wait()
            yield "too late"
            await asyncio.Event().wait()
        finally:
            tidied.set()

    app = application(core)
    app.get("/stream")(lambda: StreamingResponse(wakes()))
    async with connected(app, "/stream") as client:
        await client.begun()
        core.reason = "session_revoked"
        await client.ended()
        assert tidied.is_set()
        assert b"too late" not in [message.get("body") for message in client.messages]


async def test_an_error_while_tidying_up_is_told_and_the_close_goes_out(
    core: Standing, caplog: pytest.LogCaptureFixture
) -> None:
    async def clumsy(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "websocket.accept"})
        try:
            await asyncio.Event().wait()
        finally:
            raise ValueError("the tidying failed")

    async with connected(behind(core, clumsy), "/", "websocket") as client:
        await client.until(lambda: client.messages)
        core.reason = "session_revoked"
        await client.ended()
        assert client.closes == [(CLOSE_CODE, "session_revoked")]
        assert client.error is None
    assert "failed while its connection was being ended" in caplog.text


async def test_a_cancellation_from_outside_stays_one(core: Standing) -> None:
    async def inner(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "websocket.accept"})
        await asyncio.Event().wait()

    async with connected(behind(core, inner), "/", "websocket") as client:
        await client.until(lambda: client.messages)
        assert client.task is not None
        client.task.cancel()
        await asyncio.wait([client.task])
        assert client.task.cancelled()
        assert client.closes == []


async def test_a_cancellation_from_outside_counts_while_a_connection_falls(core: Standing) -> None:
    falling = asyncio.Event()

    async def inner(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "websocket.accept"})
        try:
            await asyncio.Event().wait()
        finally:
            falling.set()
            await asyncio.Event().wait()

    async with connected(behind(core, inner), "/", "websocket") as client:
        await client.until(lambda: client.messages)
        core.reason = "session_revoked"
        await falling.wait()
        assert client.task is not None
        client.task.cancel()
        await asyncio.wait([client.task])
        assert client.task.cancelled()


async def test_a_task_can_be_waited_for_with_a_timeout_after_its_connection_fell(core: Standing) -> None:
    # Our own cancellation is taken back: what runs in the same task afterwards is not disturbed by it.
    async def inner(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "websocket.accept"})
        await asyncio.Event().wait()

    after: list[str] = []
    layer = behind(core, inner)

    async def outer(scope: Any, receive: Any, send: Any) -> None:
        await layer(scope, receive, send)
        task = asyncio.current_task()
        assert task is not None
        assert task.cancelling() == 0
        await asyncio.sleep(0.01)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.01):
                await asyncio.Event().wait()
        after.append("undisturbed")

    async with connected(outer, "/", "websocket") as client:
        await client.until(lambda: client.messages)
        core.reason = "session_revoked"
        await client.ended()
        assert after == ["undisturbed"]


async def test_one_call_asks_about_all_connections_and_none_when_there_are_none(core: Standing) -> None:
    app = application(core)
    app.get("/stream")(lambda: StreamingResponse(silence()))
    app.get("/plain")(lambda: "plain")
    async with contextlib.AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(connected(app, "/stream")) for _ in range(20)]
        for client in clients:
            await client.begun()
        core.calls.clear()
        await asyncio.sleep(0.5)
        assert set(core.calls) == {20}
        assert len(core.calls) <= 3
        core.reason = "session_revoked"
        for client in clients:
            await client.ended()
        core.reason = None
        async with connected(app, "/plain") as client:
            await client.ended()
        core.calls.clear()
        await asyncio.sleep(0.5)
        assert core.calls == []


async def test_when_nobody_can_tell_everything_ends(core: Standing, caplog: pytest.LogCaptureFixture) -> None:
    app = application(core)
    app.get("/stream")(lambda: StreamingResponse(silence()))
    async with connected(app, "/stream") as client:
        await client.begun()
        core.breaks = True
        assert await client.ended() < WITHIN
        assert not client.complete
    assert "the core broke" in caplog.text


async def test_the_end_is_in_the_log_of_decisions(core: Standing, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "sealgate.decisions")
    app = application(core)
    app.get("/stream")(lambda: StreamingResponse(silence()))
    async with connected(app, "/stream") as client:
        await client.begun()
        core.reason = "session_revoked"
        await client.ended()
    (record,) = [record for record in caplog.records if record.name == "sealgate.decisions"]
    said = vars(record)
    assert (said["outcome"], said["reason"], said["path"]) == ("ended", "session_revoked", "/stream")
    assert said["actor"] == "somebody"
    assert core.noted == [("ended", "session_revoked")]


async def test_a_handler_that_listens_hears_the_disconnect(core: Standing) -> None:
    app = application(core)
    codes: list[int] = []

    @app.websocket("/ws")
    async def listens(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text("ready")
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            try:
                await socket.receive_text()
            except WebSocketDisconnect as gone:
                codes.append(gone.code)

    async with connected(app, "/ws", "websocket") as client:
        await client.begun()
        client.inbox.put_nowait({"type": "websocket.receive", "text": "too late"})
        core.reason = "session_revoked"
        await client.ended()
        assert codes == [CLOSE_CODE]


def test_each_event_loop_has_its_own_timer_and_ends_its_own_connections(core: Standing) -> None:
    app = application(core)
    app.get("/stream")(lambda: StreamingResponse(silence()))
    begun = threading.Barrier(4)

    async def one(wait: bool) -> float:
        async with connected(app, "/stream") as client:
            await client.begun()
            if wait:
                begun.wait(5)
            core.reason = "session_revoked"
            return await client.ended()

    for _ in range(2):  # One loop after another in this thread.
        core.reason = None
        assert asyncio.run(one(False)) < WITHIN
    core.reason = None
    with ThreadPoolExecutor(4) as threads:
        ends = [threads.submit(asyncio.run, one(True)) for _ in range(4)]
        assert all(end.result(10) < WITHIN for end in ends)
