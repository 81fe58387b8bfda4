"""`sealgate.agent` in clients of httpx and httpx2, with a person's browser and what may go wrong there."""

from __future__ import annotations

import asyncio
import re
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import httpx2
import pytest
import sealgate.agent
from agent_kit import Place, place
from sealgate.agent import AgentAuth, AgentError, LoopbackBrowser, MemoryStore

API = "https://api.example/mcp"


@pytest.fixture
def there() -> Iterator[Place]:
    with place() as there:
        yield there


def visit(url: str) -> None:
    """A browser that goes where it is sent, at its own pace."""
    threading.Thread(target=lambda: httpx.get(url, follow_redirects=True), daemon=True).start()


def signed_in(there: Place, **more: Any) -> AgentAuth:
    return AgentAuth.browser(there.resource, browser=LoopbackBrowser(open_url=visit), **more)


def test_a_browser_on_this_machine_signs_in(there: Place) -> None:
    with httpx.Client(auth=signed_in(there)) as http:
        assert http.get(there.resource).json() == {"hello": "agent"}
        assert http.post(there.resource, json={}).status_code == 200
    (asked,) = there.asked("/token")
    assert asked["code"] == "the-code"
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/callback", asked["redirect_uri"])
    assert len(there.asked("/register")) == 1


async def test_what_many_requests_need_is_got_once(there: Place) -> None:
    auth = signed_in(there)
    async with httpx2.AsyncClient(auth=auth) as http, httpx.AsyncClient(auth=auth) as other:
        one = asyncio.gather(*(http.get(there.resource) for _ in range(8)))
        two = asyncio.gather(*(other.get(there.resource) for _ in range(8)))
        statuses = {answer.status_code for answer in await one} | {answer.status_code for answer in await two}
    assert statuses == {200}
    assert len(there.asked("/token")) == len(there.asked("/authorize")) == 1


async def test_the_event_loop_goes_on_while_a_person_takes_their_time(there: Place) -> None:
    gate = threading.Event()

    def later(url: str) -> None:
        def work() -> None:
            gate.wait(20)
            visit(url)

        threading.Thread(target=work, daemon=True).start()

    auth = AgentAuth.browser(there.resource, browser=LoopbackBrowser(open_url=later))
    async with httpx.AsyncClient(auth=auth) as http:
        waiting = asyncio.ensure_future(http.get(there.resource))
        for _ in range(5):
            await asyncio.sleep(0.02)
        assert not waiting.done()
        gate.set()
        assert (await waiting).status_code == 200


def test_the_listener_takes_the_answer_of_its_sign_in_alone(there: Place) -> None:
    stray: list[tuple[int, str]] = []

    def meddle(url: str) -> None:
        def work() -> None:
            back = str(httpx.URL(url).params["redirect_uri"])
            for wrong in (
                f"{back}?code=evil&state=x",
                f"{back}?code=evil",
                back.replace("callback", "other"),
            ):
                answer = httpx.get(wrong)
                stray.append((answer.status_code, answer.text))
            visit(url)

        threading.Thread(target=work, daemon=True).start()

    auth = AgentAuth.browser(there.resource, browser=LoopbackBrowser(open_url=meddle))
    with httpx.Client(auth=auth) as http:
        assert http.get(there.resource).status_code == 200
    assert [status for status, _ in stray] == [400, 400, 404]
    assert not any("evil" in text for _, text in stray)
    assert [form["code"] for form in there.asked("/token")] == ["the-code"]


def test_those_who_connect_and_say_nothing_keep_nobody_waiting(there: Place) -> None:
    silent: list[socket.socket] = []

    def meddle(url: str) -> None:
        back = httpx.URL(httpx.URL(url).params["redirect_uri"])
        assert back.port is not None
        for _ in range(3):
            silent.append(socket.create_connection(("127.0.0.1", back.port)))
        visit(url)

    auth = AgentAuth.browser(there.resource, browser=LoopbackBrowser(open_url=meddle, timeout=5))
    began = time.monotonic()
    with httpx.Client(auth=auth) as http:
        assert http.get(there.resource).status_code == 200
    assert time.monotonic() - began < 5
    # They are turned away when the sign-in is over.
    for connection in silent:
        connection.settimeout(5)
        assert connection.recv(1) == b""
        connection.close()


def test_a_sign_in_that_has_to_be_pushed_comes_back_too(there: Place) -> None:
    there.pushes = True
    browser = LoopbackBrowser(open_url=visit, timeout=5)
    with httpx.Client(auth=AgentAuth.browser(there.resource, browser=browser)) as http:
        assert http.get(there.resource).status_code == 200
    assert len(there.asked("/par")) == 1


def test_without_a_browser_the_address_is_told(there: Place, capsys: pytest.CaptureFixture[str]) -> None:
    def nothing(url: str) -> bool:
        visit(url)
        return False

    auth = AgentAuth.browser(there.resource, browser=LoopbackBrowser(open_url=nothing))
    with httpx.Client(auth=auth) as http:
        http.get(there.resource)
    assert f"Sign in at {there.url}/authorize?" in capsys.readouterr().err


def test_nobody_who_signs_in_is_an_error_with_a_reason(there: Place) -> None:
    opened: list[str] = []
    browser = LoopbackBrowser(open_url=opened.append, timeout=0.1)
    auth = AgentAuth.browser(there.resource, browser=browser)
    with httpx.Client(auth=auth) as http, pytest.raises(AgentError, match="nobody signed in") as failed:
        http.get(there.resource)
    assert failed.value.reason == "agent_browser_failed"
    assert not failed.value.temporary
    # Nothing listens there any more.
    back = str(httpx.URL(opened[0]).params["redirect_uri"])
    with pytest.raises(httpx.ConnectError):
        httpx.get(back)


def test_a_store_that_fails_is_told_of(there: Place) -> None:
    class Broken(MemoryStore):
        def load(self, name: str, /) -> str | None:
            raise OSError("the disk is gone")

    auth = signed_in(there, store=Broken())
    with httpx.Client(auth=auth) as http, pytest.raises(AgentError, match="the disk is gone") as failed:
        http.get(there.resource)
    assert failed.value.reason == "agent_store_failed"
    assert failed.value.temporary


def test_a_store_brings_the_session_back(there: Place) -> None:
    store = MemoryStore()
    with httpx.Client(auth=signed_in(there, store=store)) as http:
        http.get(there.resource)
    nobody = LoopbackBrowser(open_url=lambda _: None, timeout=0.1)
    later = AgentAuth.browser(there.resource, browser=nobody, store=store)
    with httpx.Client(auth=later) as http:
        assert http.get(there.resource).status_code == 200
    assert later.scopes == frozenset()
    assert "t1" not in repr(store) + repr(later)
    later.sign_out()
    assert store.load(there.resource) is None
    assert later.scopes is None


def test_a_body_that_streams_is_sent_once(there: Place) -> None:
    with httpx.Client(auth=signed_in(there)) as http:
        assert http.post(there.resource, content=iter([b"a", b"b"])).status_code == 401
        assert http.post(there.resource, content=b"ab").status_code == 200


def test_a_redirect_takes_no_token_along(there: Place) -> None:
    with place() as elsewhere:
        there.moved = elsewhere.resource.replace("127.0.0.1", "localhost")
        with httpx.Client(auth=signed_in(there), follow_redirects=True) as http:
            http.get(there.resource)
        assert elsewhere.seen
        assert all("authorization" not in headers for _, _, headers in elsewhere.seen)


def test_a_token_that_is_refused_is_read_anew_and_not_sent_twice(there: Place, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("first\n")
    there.refuses = "invalid_grant"
    with httpx.Client(auth=AgentAuth.workload(there.resource, token=file)) as http:
        for _ in range(3):
            with pytest.raises(AgentError, match="invalid_grant") as refused:
                http.get(there.resource)
            assert refused.value.reason == "agent_refused"
        assert [form["assertion"] for form in there.asked("/token")] == ["first"]
        there.refuses = None
        file.write_text("second\n")
        assert http.get(there.resource).status_code == 200
        assert [form["assertion"] for form in there.asked("/token")] == ["first", "second"]
        file.unlink()
        there.good = "t2"
        with pytest.raises(AgentError) as failed:
            http.get(there.resource)
        assert failed.value.reason == "agent_assertion_unavailable"


def test_a_workloads_token_goes_to_the_issuer_that_was_named_alone(there: Place, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("secret")
    elsewhere = "https://id.example"
    for client in (None, "w1"):
        auth = AgentAuth.workload(there.resource, token=file, issuer=elsewhere, client_id=client)
        with httpx.Client(auth=auth) as http, pytest.raises(AgentError) as refused:
            http.get(there.resource)
        assert refused.value.reason == "agent_not_registered"
    assert there.asked("/token") == []
    named = AgentAuth.workload(there.resource, token=file, issuer=there.url)
    with httpx.Client(auth=named) as http:
        assert http.get(there.resource).status_code == 200


def test_a_machine_shows_its_secret_where_it_belongs(there: Place) -> None:
    auth = AgentAuth.machine(there.resource, client_id="m1", client_secret="s1", scopes=["a", "b"])
    with httpx2.Client(auth=auth) as http:
        assert http.get(there.resource).status_code == 200
    (form,) = there.asked("/token")
    assert form == {"grant_type": "client_credentials", "resource": there.resource, "scope": "a b"}
    assert "s1" not in repr(auth)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: AgentAuth.browser("http://api.example/"), "agent_url_unacceptable"),
        (lambda: AgentAuth.machine(API, client_id="m"), "private_key or client_secret"),
        (lambda: AgentAuth.machine(API, client_id="m", private_key="nonsense"), "agent_key_unusable"),
        (lambda: AgentAuth.browser(API, scopes="a b"), r"scopes=\['a', 'b'\]"),
        (lambda: AgentAuth.browser(API, document="file:///x"), "agent_url_unacceptable"),
        (lambda: LoopbackBrowser(path="callback"), "begins with a slash"),
    ],
)
def test_what_cannot_be_used_is_said_at_once(call: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def run(there: Place, program: str) -> subprocess.CompletedProcess[str]:
    """Another process with the program and `url` and `Auth` in it."""
    head = f"""
        import os, sys, threading, time
        import httpx
        from sealgate.agent import AgentAuth
        url = {there.resource!r}
    """
    text = textwrap.dedent(head) + textwrap.dedent(program)
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", text], capture_output=True, text=True, timeout=30, check=False
    )


def test_a_sign_in_that_nobody_finishes_does_not_keep_a_process_from_ending(there: Place) -> None:
    done = run(
        there,
        """
        class Nobody:
            redirect_uri = "http://127.0.0.1:1/callback"
            def sign_in(self, url):
                print("asked", flush=True)
                time.sleep(600)
        auth = AgentAuth.browser(url, browser=Nobody())
        threading.Thread(target=lambda: httpx.get(url, auth=auth), daemon=True).start()
        time.sleep(2)
        """,
    )
    assert (done.returncode, done.stdout) == (0, "asked\n"), done.stderr


def test_a_process_that_forks_has_an_agent_on_each_side(there: Place) -> None:
    done = run(
        there,
        """
        auth = AgentAuth.machine(url, client_id="m", client_secret="s")
        assert httpx.get(url, auth=auth).status_code == 200
        child = os.fork()
        assert httpx.get(url, auth=auth).status_code == 200
        if child == 0:
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        print("both")
        """,
    )
    assert (done.returncode, done.stdout) == (0, "both\n"), done.stderr
    assert len(there.asked("/token")) == 2


def test_the_reference_page_tells_of_everything() -> None:
    page = (Path(__file__).parents[2] / "docs" / "reference" / "python.md").read_text("utf-8")
    found = re.search(r"^## Calling as an agent\n(.*?)(?=^## )", page, re.DOTALL | re.MULTILINE)
    assert found is not None
    told = set(re.findall(r"`(?:AgentAuth\.)?(\w+)", found[1]))
    assert set(sealgate.agent.__all__) <= told
    members = {name for name in vars(AgentAuth) if not name.startswith("_")}
    assert members - {"sync_auth_flow", "async_auth_flow"} <= told
