"""FastMCP's own client, told on stdin what to do, by one JSON object in a line each.

First comes how it is known, then the tools to call. It is a process of its own, because it opens the browser
of the machine that it runs on.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from fastmcp import Client
from fastmcp.client.auth import OAuth


def say(what: dict[str, Any]) -> None:
    """Answers with one line."""
    print(json.dumps(what), flush=True)


async def hear() -> dict[str, Any] | None:
    """The next line, or none at the end."""
    line = await asyncio.to_thread(sys.stdin.readline)
    return dict(json.loads(line)) if line.strip() else None


def reasons(error: BaseException) -> list[str]:
    """What went wrong, from within groups and causes too."""
    found: dict[int, BaseException] = {}
    left: list[BaseException | None] = [error]
    while left:
        one = left.pop()
        if one is not None and id(one) not in found:
            found[id(one)] = one
            left += [one.__cause__, one.__context__, *getattr(one, "exceptions", ())]
    return [f"{type(one).__name__}: {one}" for one in found.values()]


async def main() -> None:
    """Signs in when the server asks for it, and calls tools."""
    told = await hear()
    assert told is not None
    auth = OAuth(callback_host="127.0.0.1", callback_timeout=30, **told["auth"])
    async with Client(told["server"], auth=auth) as client:
        say({"tools": sorted(tool.name for tool in await client.list_tools())})
        while call := await hear():
            try:
                result = await client.call_tool(call["tool"], call["arguments"])
                told_back: dict[str, Any] = {"text": [getattr(part, "text", None) for part in result.content]}
            except Exception as error:
                told_back = {"error": reasons(error)}
            tokens, known = auth.context.current_tokens, auth.context.client_info
            say(
                told_back
                | {
                    "token": tokens and tokens.access_token,
                    "scope": tokens and tokens.scope,
                    "client": known and known.client_id,
                }
            )


try:
    asyncio.run(main())
except Exception as error:
    say({"error": reasons(error)})
    sys.exit(1)
