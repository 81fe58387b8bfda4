"""Signing in with the browser of the person at this machine (RFC 8252)."""

from __future__ import annotations

import hmac
import os
import socket
import sys
import threading
import webbrowser
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>{title}</title>
<style>body{{font:1.1rem/1.5 system-ui,sans-serif;margin:15vh auto;max-width:32rem;padding:0 1rem}}
@media (prefers-color-scheme:dark){{body{{background:#111;color:#eee}}}}</style>
<main><h1>{title}</h1><p>{text}</p></main></html>
"""


class LoopbackBrowser:
    """Opens the system's browser and listens on this machine's loopback for the answer.

    It listens while a sign-in is under way and takes that sign-in's answer alone.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        path: str = "/callback",
        timeout: float = 300.0,
        open_url: Callable[[str], object] = webbrowser.open,
    ) -> None:
        """Takes the port (0: a free one), the path of the redirect URI, how long a person may take in
        seconds, and what opens a URL.
        """
        if not path.startswith("/"):
            raise ValueError(f"path begins with a slash: {path!r}")
        self._port = port
        self._path = path
        self._timeout = timeout
        self._open = open_url
        self._lock = threading.Lock()
        self._server: _Server | None = None

    @property
    def redirect_uri(self) -> str:
        """`http://127.0.0.1:PORT/callback`; from now on something listens there."""
        with self._lock:
            if self._server is None:
                self._server = self._bind()
                self._port = self._server.server_port
            return f"http://127.0.0.1:{self._port}{self._path}"

    def sign_in(self, url: str, /) -> str:
        """Opens `url` and waits for its answer; `TimeoutError` if nobody finished it in time."""
        uri = self.redirect_uri
        with self._lock:
            server, self._server = self._server, None
        if server is None:
            raise RuntimeError("another sign-in is under way")
        server.expect(uri, self._path, parse_qs(urlsplit(url).query).get("state", [""])[0])
        listener = threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True)
        listener.start()
        try:
            if self._open(url) is False:  # There is no browser: somebody has to open it themselves.
                print(f"Sign in at {url}", file=sys.stderr, flush=True)
            if not server.answered.wait(self._timeout):
                raise TimeoutError(f"nobody signed in within {self._timeout:g} seconds")
            return server.answer
        finally:
            server.shutdown()
            server.server_close()
            listener.join()

    def __del__(self) -> None:
        """Gives the port back, if the sign-in that it was for never came."""
        if (server := getattr(self, "_server", None)) is not None:
            server.server_close()

    def _bind(self) -> _Server:
        try:
            return _Server(self._port)
        except OSError:
            if self._port == 0:
                raise
            # The port of the last sign-in may be somebody else's by now; loopback ports may differ (RFC 8252,
            # 7.3).
            return _Server(0)


class _Server(ThreadingHTTPServer):
    """Waits for one answer. Whoever connects and says nothing keeps nobody waiting."""

    daemon_threads = True
    block_on_close = False
    address_family = socket.AF_INET
    # Elsewhere than on POSIX it would let others listen at the same port.
    allow_reuse_address = os.name == "posix"

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.answered = threading.Event()
        self.answer = ""
        self.uri = ""
        self.path = ""
        self.state = ""
        self._lock = threading.Lock()
        self._open: set[Any] = set()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remembers who is connected."""
        with self._lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Forgets them."""
        with self._lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def server_close(self) -> None:
        """Ends what is still connected, too: those who still say something one by one."""
        super().server_close()
        with self._lock:
            left, self._open = self._open, set()
        for request in left:
            super().shutdown_request(request)

    def take(self, answer: str) -> None:
        """Takes the answer, if it is the first."""
        with self._lock:
            self.answer = self.answer or answer

    def expect(self, uri: str, path: str, state: str) -> None:
        """From now on takes the answer to the sign-in with this state."""
        self.uri, self.path, self.state = uri, path, state

    def handle_error(self, request: object, client_address: object) -> None:
        """Says nothing: a browser that goes away is no error."""


class _Handler(BaseHTTPRequestHandler):
    """Takes the answer; anything else is turned away."""

    server: _Server  # pyright: ignore[reportIncompatibleVariableOverride]
    timeout: ClassVar[float | None] = 10.0  # pyright: ignore[reportIncompatibleVariableOverride]

    def do_GET(self) -> None:
        """Takes the answer if it is of this sign-in."""
        parts = urlsplit(self.path)
        if parts.path != self.server.path:
            self._page(404, "Nothing here", "This address only takes the answer of a sign-in.")
            return
        query = parse_qs(parts.query)
        state = query.get("state", [""])[0]
        # Any page in the browser can send it here: only whoever knows the state has the answer.
        if not hmac.compare_digest(state.encode(), self.server.state.encode()):
            self._page(400, "Not this sign-in", "The answer is not of the sign-in that waits here.")
            return
        self.server.take(f"{self.server.uri}?{parts.query}")
        if "error" in query:
            self._page(200, "Not signed in", "You may close this window. The program says what happened.")
        else:
            self._page(200, "Signed in", "You may close this window and return to the program.")
        self.server.answered.set()

    def _page(self, status: int, title: str, text: str) -> None:
        body = _PAGE.format(title=title, text=text).encode()
        self.send_response(status)
        self.send_header("content-type", "text/html; charset=utf-8")
        self.send_header("content-length", str(len(body)))
        self.send_header("cache-control", "no-store")
        self.send_header("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'")
        self.send_header("referrer-policy", "no-referrer")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Says nothing: the address holds the code."""
