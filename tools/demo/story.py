"""The story: what happens to a FastAPI application behind the gate, performed line by line.

Every line sends real requests to running processes and is judged by what came back. Nothing is assumed
from the line before but the signed-in browser.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from lab import Browser, ControlPlane, LabError, User, sign_in, wait_until
from lab.control_plane import program

_EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "expense_tracker"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the story: what was done, what came of it, and how long that took."""

    what: str
    result: str
    milliseconds: float
    passed: bool


@dataclass(slots=True)
class Story:
    """The story and those who play in it.

    `app` and `replica` are two processes of the same application: what is revoked through one must be
    refused by the other, which only the feed can tell.
    """

    control_plane: ControlPlane
    app: str
    replica: str
    user: User
    #: Sends requests with the cookies named and no others: a client without a jar of its own.
    anyone: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=20))

    def perform(self) -> Iterator[Line]:
        """Performs the lines in order. A line that fails does not keep the rest from being tried."""
        with Browser() as browser:
            yield self._line("sign in through the hosted page", lambda: self._sign_in(browser))
            yield self._line("write an expense and read it back", lambda: self._write_and_read(browser))
            yield self._line("anonymous request", lambda: self._anonymous("/expenses"))
            yield self._line("anonymous 5 MB upload", self._anonymous_upload)
            yield self._line("route added without a dependency", lambda: self._anonymous("/reports/all"))
            yield self._line("copy the cookie, sign out, replay the copy", lambda: self._replay(browser))
            yield self._line("sign in again", lambda: self._sign_in(browser))
            yield self._line("tamper with the cookie", lambda: self._tamper(browser))
            yield self._line("rotate the signing key", lambda: self._rotate(browser))
            yield self._line("revoke the session from the shell", lambda: self._revoke(browser))
        yield self._line("hold the routes to their lock file", self._hold_routes)

    def _hold_routes(self) -> tuple[str, None]:
        command = [program(), "routes", "check", str(_EXAMPLE), "--json"]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        _expect(ran.returncode == 0, f"the check ended with {ran.returncode}: {ran.stderr.strip()}")
        counts = Counter(route["evidence"] for route in json.loads(ran.stdout)["routes"])
        public = counts.pop("PUBLIC", 0)
        gated = counts.pop("GATED-STATIC", 0)
        _expect(not counts, f"not all routes are gated or public: {dict(counts)}")
        return f"{gated + public} routes: {gated} gated, {public} public with a reason, 0 open", None

    def _line(self, what: str, act: Callable[[], tuple[str, float | None]]) -> Line:
        start = time.perf_counter()
        try:
            result, seconds = act()
        except (LabError, httpx.HTTPError, KeyError, ValueError) as error:
            return Line(what, f"FAILED: {error}", (time.perf_counter() - start) * 1000, passed=False)
        elapsed = time.perf_counter() - start if seconds is None else seconds
        return Line(what, result, elapsed * 1000, passed=True)

    def _sign_in(self, browser: Browser) -> tuple[str, None]:
        page = sign_in(browser, f"{self.app}/app", self.user.email, self.user.password)
        _expect(page.status == 200 and page.url == f"{self.app}/app", f"ended at {page.url}: {page.status}")
        _expect(self.user.name in page.text, "the page does not greet the user")
        size = len(next(iter(browser.session_cookie(self.app).values())))
        return f"signed in as {self.user.email}, {size} B of cookie", None

    def _write_and_read(self, browser: Browser) -> tuple[str, None]:
        written = self._call(browser, "POST", "/expenses", json={"amount": "42.50", "note": "Train to Lyon"})
        _expect(written.status_code == 201, _say(written))
        read = self._call(browser, "GET", "/expenses")
        _expect(read.status_code == 200, _say(read))
        _expect(written.json() in read.json(), "it is not there")
        return "201, then 200 with the expense", None

    def _anonymous(self, path: str) -> tuple[str, None]:
        answer = self._get(f"{self.app}{path}")
        _expect(answer.status_code == 401, _say(answer))
        page = self._get(f"{self.app}{path}", headers={"accept": "text/html"})
        _expect(page.status_code == 303, _say(page))
        _expect("/auth/login" in page.headers["location"], "a person is not led to sign-in")
        return f"refused: {_say(answer)}; a browser is led to sign-in", None

    def _anonymous_upload(self) -> tuple[str, None]:
        sent = 0

        def body() -> Iterator[bytes]:
            nonlocal sent
            for _ in range(80):
                sent += 65_536
                yield b"x" * 65_536

        try:
            answer = self.anyone.post(
                f"{self.app}/expenses", content=body(), headers={"content-length": str(80 * 65_536)}
            )
        except httpx.WriteError:
            # The server answered and closed while the body was still being sent.
            return "refused while it was being sent", None
        _expect(answer.status_code == 401, _say(answer))
        return f"refused: {_say(answer)}", None

    def _replay(self, browser: Browser) -> tuple[str, float]:
        thief = browser.session_cookie(self.app)
        for url in (self.app, self.replica):
            before = self._get(f"{url}/expenses", cookies=thief)
            _expect(before.status_code == 200, f"the copy is no good to begin with: {_say(before)}")
        page = browser.open(f"{self.app}/app")
        form = page.form(action="/auth/logout")
        start = time.perf_counter()
        left = browser.submit(page, form)
        _expect(left.status == 200, f"sign-out ended at {left.url}: {left.status}")
        refused = self._until_refused(self.app, thief)
        also = self._until_refused(self.replica, thief)
        seconds = time.perf_counter() - start
        return f"refused: {_say(refused)}; by the other process too: {_say(also)}", seconds

    def _tamper(self, browser: Browser) -> tuple[str, None]:
        ((name, value),) = browser.session_cookie(self.app).items()
        _expect(self._get(f"{self.app}/expenses", cookies={name: value}).status_code == 200, "not signed in")
        reasons = set[str]()
        changed = [
            value[:at] + ("A" if value[at] != "A" else "B") + value[at + 1 :]
            for at in range(0, len(value), 37)
        ]
        truncated = [value[:at] for at in range(0, len(value), 61)]
        attempts = [*changed, *truncated, f"{value}A", "v1.x.y", "x" * 3900]
        for cookie in attempts:
            answer = self._get(f"{self.app}/expenses", cookies={name: cookie})
            _expect(answer.status_code == 401, f"{cookie[:20]}…: {_say(answer)}")
            reasons.add(str(answer.json()["reason"]))
        twice = self._get(f"{self.app}/expenses", headers={"cookie": f"{name}={value}; {name}={value}"})
        _expect(twice.status_code == 401, _say(twice))
        return f"{len(attempts) + 1} ways, all refused: 401 {', '.join(sorted(reasons))}", None

    def _rotate(self, browser: Browser) -> tuple[str, None]:
        before = self._active_key()
        self.control_plane.cli("key", "rotate", "--now")
        after = self._active_key()
        _expect(before != after, "the active key is still the same")
        answer = self._call(browser, "GET", "/expenses")
        _expect(answer.status_code == 200, f"the session did not survive: {_say(answer)}")
        with Browser() as other:
            page = sign_in(other, f"{self.replica}/app", self.user.email, self.user.password)
            _expect(page.status == 200, f"a sign-in under the new key ended at {page.url}: {page.status}")
        return "the session survives, and new ones start under the new key", None

    def _revoke(self, browser: Browser) -> tuple[str, float]:
        cookie = browser.session_cookie(self.app)
        before = self._get(f"{self.replica}/expenses", cookies=cookie)
        _expect(before.status_code == 200, _say(before))
        for session in self.control_plane.cli("session", "list", "--user", self.user.email):
            self.control_plane.cli("session", "revoke", session["id"])
        start = time.perf_counter()
        answers = [self._until_refused(url, cookie) for url in (self.app, self.replica)]
        return f"refused by both processes: {_say(answers[0])}", time.perf_counter() - start

    def _until_refused(self, url: str, cookies: dict[str, str]) -> httpx.Response:
        last = httpx.Response(0)

        def refused() -> bool:
            nonlocal last
            last = self._get(f"{url}/expenses", cookies=cookies)
            return last.status_code == 401

        wait_until(refused, f"{url} to refuse a revoked session", patience=5, pause=0.001)
        _expect(last.json()["reason"] == "session_revoked", _say(last))
        return last

    def _active_key(self) -> str:
        keys: list[dict[str, Any]] = self.control_plane.cli("key", "list")
        return next(str(key["kid"]) for key in keys if key["state"] == "active")

    def _get(
        self, url: str, cookies: dict[str, str] | None = None, headers: dict[str, str] | None = None
    ) -> httpx.Response:
        jar = "; ".join(f"{name}={value}" for name, value in (cookies or {}).items())
        return self.anyone.get(url, headers={**({"cookie": jar} if jar else {}), **(headers or {})})

    def _call(self, browser: Browser, method: str, path: str, json: Any = None) -> httpx.Response:
        return browser.http.request(method, f"{self.app}{path}", json=json, headers={"origin": self.app})


def _expect(holds: bool, otherwise: str) -> None:
    if not holds:
        raise LabError(otherwise)


def _say(answer: httpx.Response) -> str:
    try:
        return f"{answer.status_code} {answer.json()['reason']}"
    except (ValueError, KeyError, TypeError):
        return str(answer.status_code)
