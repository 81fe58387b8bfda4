"""As much of a browser as pages without scripts need: a cookie jar, redirects and forms."""

from __future__ import annotations

import ssl
from typing import Self
from urllib.parse import urljoin, urlsplit

import httpx
from sealgate.testing.pages import Form, Page

from lab.processes import LabError
from lab.tls import Tls

__all__ = ["Browser", "Form", "Page", "sign_in"]

_SESSION_COOKIES = ("sealgate", "__Host-Http-sealgate")


class Browser:
    """Opens pages, keeps cookies, follows redirects and submits forms, with the headers of a browser."""

    def __init__(self, tls: Tls | None = None, *, until: str | None = None) -> None:
        """Begins with an empty cookie jar. It believes the authority of `tls`, if given.

        Where a redirect leads to `until`, it stops: whoever runs there takes over.
        """
        self.until = until
        verify = ssl.create_default_context(cafile=tls.authority) if tls else True
        self.http = httpx.Client(follow_redirects=False, timeout=20, verify=verify)

    def open(self, url: str) -> Page:
        """Opens a page as a person would by following a link."""
        return self._go("GET", url, None, {"sec-fetch-mode": "navigate", "sec-fetch-site": "none"})

    def submit(self, page: Page, form: Form, values: dict[str, str] | None = None) -> Page:
        """Submits a form of `page` with `values` filled in."""
        target = urljoin(page.url, form.action)
        parts = urlsplit(page.url)
        origin = f"{parts.scheme}://{parts.netloc}"
        headers = {"sec-fetch-mode": "navigate", "sec-fetch-site": "same-origin", "origin": origin}
        return self._go(form.method.upper(), target, {**form.fields, **(values or {})}, headers)

    def session_cookie(self, url: str) -> dict[str, str]:
        """The application's session cookie, as a jar of its own: a copy, as a thief would take it."""
        host = urlsplit(url).hostname
        found = {
            c.name: c.value or ""
            for c in self.http.cookies.jar
            if c.domain == host and c.name in _SESSION_COOKIES
        }
        if not found:
            raise LabError(f"there is no session cookie for {url}")
        return found

    def _go(self, method: str, url: str, data: dict[str, str] | None, headers: dict[str, str]) -> Page:
        headers = {"accept": "text/html,application/xhtml+xml", **headers}
        for _ in range(12):
            answer = self.http.request(method, url, data=data, headers=headers)
            if "location" not in answer.headers:
                return Page(str(answer.url), answer.status_code, answer.text)
            url = urljoin(str(answer.url), answer.headers["location"])
            if self.until and url.split("?")[0] == self.until:
                return Page(url, answer.status_code, "")
            method, data = "GET", None
            headers = {name: value for name, value in headers.items() if name != "origin"}
        raise LabError(f"the redirects do not end: {url}")

    def close(self) -> None:
        """Closes its connections."""
        self.http.close()

    def __enter__(self) -> Self:
        """Is the browser itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Closes it."""
        self.close()


def sign_in(browser: Browser, url: str, email: str, password: str) -> Page:
    """Opens `url`, fills in the hosted sign-in page it leads to, and gives the page it ends on."""
    page = browser.open(url)
    form = page.form("password")
    return browser.submit(page, form, {"email": email, "password": password})
