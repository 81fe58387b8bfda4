"""A protected resource and its authorization server at one address on the loopback."""

from __future__ import annotations

import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit


class Place:
    """What it was asked, and how it answers."""

    def __init__(self) -> None:
        """Asks for tokens, and gives them to whoever signs in."""
        self.seen: list[tuple[str, dict[str, str], dict[str, str]]] = []
        """Path, form and headers of each request, in order."""
        self.good = "t1"
        """The token that the resource takes."""
        self.refuses: str | None = None
        """The error of the token endpoint, if it refuses."""
        self.forgotten: set[str] = set()
        """Clients that registered, and that it knows no more."""
        self.pushes = False
        """Whether sign-ins have to be pushed (RFC 9126)."""
        self.pushed: dict[str, str] = {}
        """The sign-in that was pushed."""
        self.moved: str | None = None
        """Where the resource redirects to."""
        self.slash = ""
        """What ends the issuer after its origin."""
        self.url = ""

    @property
    def resource(self) -> str:
        """The resource's URL."""
        return f"{self.url}/mcp"

    def asked(self, path: str) -> list[dict[str, str]]:
        """The forms of the requests to a path."""
        return [form for seen, form, _ in self.seen if seen == path]

    def answer(self, path: str, query: str, form: dict[str, str], headers: dict[str, str]) -> Any:
        """Status, headers and body."""
        here = self.url
        issuer = f"{here}{self.slash}"
        match path:
            case "/.well-known/oauth-protected-resource/mcp":
                return 200, {}, {"resource": self.resource, "authorization_servers": [issuer]}
            case "/.well-known/oauth-authorization-server":
                return (
                    200,
                    {},
                    {
                        "issuer": issuer,
                        "authorization_endpoint": f"{here}/authorize",
                        "token_endpoint": f"{here}/token",
                        "registration_endpoint": f"{here}/register",
                        "device_authorization_endpoint": f"{here}/device",
                        "code_challenge_methods_supported": ["S256"],
                        "token_endpoint_auth_methods_supported": ["none", "client_secret_basic"],
                        "pushed_authorization_request_endpoint": f"{here}/par",
                        "require_pushed_authorization_requests": self.pushes,
                    },
                )
            case "/par":
                self.pushed = form
                return 201, {}, {"request_uri": "urn:pushed:1", "expires_in": 60}
            case "/register":
                return 201, {}, {"client_id": f"c{len(self.asked(path))}"}
            case "/device" if form["client_id"] in self.forgotten:
                return 401, {}, {"error": "invalid_client"}
            case "/device":
                code = {"device_code": "d1", "user_code": "ABCD", "verification_uri": f"{here}/enter"}
                return 200, {}, {**code, "expires_in": 60, "interval": 1}
            case "/authorize":
                asked = {name: values[0] for name, values in parse_qs(query).items()}
                asked |= self.pushed
                back = urlencode({"code": "the-code", "state": asked["state"]})
                return 302, {"location": f"{asked['redirect_uri']}?{back}"}, {}
            case "/token" if self.refuses is not None:
                return 400, {}, {"error": self.refuses}
            case "/token":
                return 200, {}, {"access_token": self.good, "token_type": "Bearer", "expires_in": 600}
            case "/mcp" if headers.get("authorization") == f"Bearer {self.good}":
                moved = {} if self.moved is None else {"location": self.moved}
                return (307 if moved else 200), moved, {"hello": "agent"}
            case "/mcp":
                return 401, {"www-authenticate": "Bearer"}, {}
            case _:
                return 404, {}, {}


@contextmanager
def place() -> Generator[Place]:
    """Serves one."""
    place = Place()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            length = int(self.headers.get("content-length") or 0)
            text = self.rfile.read(length).decode()
            form = {name: values[0] for name, values in parse_qs(text).items()}
            headers = {name.lower(): value for name, value in self.headers.items()}
            place.seen.append((parts.path, form, headers))
            status, more, body = place.answer(parts.path, parts.query, form, headers)
            data = json.dumps(body).encode()
            self.send_response(status)
            for name, value in ({"content-type": "application/json"} | more).items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_POST = do_GET  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Says nothing."""

    class Server(ThreadingHTTPServer):
        # Many connect at once: those beyond the queue would try again seconds later.
        request_queue_size = 128

    server = Server(("127.0.0.1", 0), Handler)
    place.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield place
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
