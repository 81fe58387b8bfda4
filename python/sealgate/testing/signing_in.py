"""Signing in as a browser does: the application's part through a test's client, the hosted page by HTTP."""

from __future__ import annotations

import importlib
from collections.abc import Generator, Mapping
from typing import Any
from urllib.parse import urljoin, urlsplit

from sealgate.testing.pages import Page
from sealgate.testing.processes import ControlPlaneError

_MOST_REDIRECTS = 12
_REDIRECTS = {301, 302, 303, 307, 308}


def sign_in(client: Any, issuer: str, email: str, password: str) -> None:
    """Signs in with a client of the application that waits for its answers."""
    steps = _steps(issuer, email, password)
    path = next(steps)
    while True:
        try:
            path = steps.send(client.get(path, follow_redirects=False))
        except StopIteration:
            return


async def sign_in_async(client: Any, issuer: str, email: str, password: str) -> None:
    """The same with one whose answers are awaited."""
    steps = _steps(issuer, email, password)
    path = next(steps)
    while True:
        try:
            path = steps.send(await client.get(path, follow_redirects=False))
        except StopIteration:
            return


def token(endpoint: str, client: str, secret: str, form: Mapping[str, str]) -> str:
    """An access token from the token endpoint."""
    with _http().Client(timeout=20) as http:
        answer = http.post(endpoint, data=form, auth=(client, secret))
    if answer.status_code != 200:
        raise ControlPlaneError(f"no token: {answer.status_code} {answer.text}")
    return str(answer.json()["access_token"])


def _steps(issuer: str, email: str, password: str) -> Generator[str, Any, None]:
    """The paths to ask the application for; each answer is sent in."""
    begun = yield "/auth/login"
    if begun.status_code not in _REDIRECTS:
        raise ControlPlaneError(
            f"/auth/login was answered {begun.status_code}: {begun.text[:500]}; is the gate installed?"
        )
    callback = urlsplit(_through_the_page(begun.headers["location"], issuer, email, password))
    done = yield f"{callback.path}?{callback.query}"
    if done.status_code not in _REDIRECTS or "set-cookie" not in done.headers:
        raise ControlPlaneError(f"the sign-in did not end well: {done.status_code} {done.text[:500]}")


def _through_the_page(location: str, issuer: str, email: str, password: str) -> str:
    """Signs in at the control plane; where it sends the browser then."""
    parts = urlsplit(issuer)
    origin = f"{parts.scheme}://{parts.netloc}"
    with _http().Client(timeout=20, follow_redirects=False) as http:
        answer, left = _within(http, http.get(location), origin)
        if left is None:
            page = Page(str(answer.url), answer.status_code, answer.text)
            form = page.form("password")
            answer = http.post(
                urljoin(page.url, form.action),
                data={**form.fields, "email": email, "password": password},
                headers={"origin": origin},
            )
            answer, left = _within(http, answer, origin)
    if left is None:
        raise ControlPlaneError(
            f"signing in ended on a page, {answer.url} ({answer.status_code}):\n{answer.text[:2000]}"
        )
    return left


def _within(http: Any, answer: Any, origin: str) -> tuple[Any, str | None]:
    """Follows redirects for as long as they stay at the control plane: the last answer, and where to."""
    for _ in range(_MOST_REDIRECTS):
        if answer.status_code not in _REDIRECTS:
            return answer, None
        there = urljoin(str(answer.url), answer.headers["location"])
        if not there.startswith(f"{origin}/"):
            return answer, there
        answer = http.get(there)
    raise ControlPlaneError(f"the redirects do not end: {answer.url}")


def _http() -> Any:
    """httpx, by the name under which Starlette's test client has it too."""
    for name in ("httpx", "httpx2"):
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError:
            continue
    raise ControlPlaneError("signing in needs httpx: pip install httpx")
