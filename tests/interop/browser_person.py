"""A browser for programs that open one, by the variable `BROWSER`.

Whoever sits at it signs in and answers as the file in `PERSON` says, and then goes where that leads.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
from lab import Browser, User

from interop.person import come_back


def main(url: str) -> None:
    """Is the person for one request."""
    told = json.loads(Path(os.environ["PERSON"]).read_text())
    with Path(told["asked"]).open("a") as asked:
        asked.write(f"{url}\n")
    (back,) = parse_qs(urlsplit(url).query)["redirect_uri"]
    with Browser(until=back) as browser:
        leads = come_back(browser, url, User(told["email"], told["name"], told["password"]), told["yes"])
    # The program that asked begins to listen when it has opened the browser.
    end = time.monotonic() + 20
    while True:
        try:
            httpx.get(leads, timeout=10).raise_for_status()
        except httpx.ConnectError:
            assert time.monotonic() < end, f"nobody listens at {back}"
            time.sleep(0.05)
        except httpx.HTTPStatusError:
            return  # A page that tells of the refusal.
        else:
            return


main(sys.argv[1])
