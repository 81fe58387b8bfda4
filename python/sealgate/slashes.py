"""Redirects to the path with, or without, its last slash, as the layer sends them.

Starlette forms them from the `Host` header, which whoever sends a request chooses. A relative one needs no
host, and none of the path that a proxy cut off.
"""

from __future__ import annotations

from urllib.parse import quote

_PATH = "!$&'()*+,;=:@"
_QUERY = _PATH + "%/?"


def slash_redirect(path: str, query: bytes) -> str:
    """The `Location`, relative to `path` (RFC 3986, 4.2), which is decoded: the same with a slash at its
    end, or without those that it has. It begins with a dot, so that nothing in the path is read as a host
    or a scheme.
    """
    bare = path.rstrip("/")
    last = quote(bare.rpartition("/")[2], safe=_PATH, errors="replace")
    location = "../" * (len(path) - len(bare)) + last if path != bare else f"./{last}/"
    return f"{location}?{quote(query, safe=_QUERY)}" if query else location
