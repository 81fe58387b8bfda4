"""Running the caller's functions for the extension: on threads of Python's own, so that none of the
extension's threads ever waits inside the interpreter.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

from sealgate._core import AgentReply


def run(function: Callable[..., Any], arguments: Sequence[str | None], reply: AgentReply) -> None:
    """Calls the function elsewhere, and tells `reply` what came of it: a text, nothing, or why it failed."""

    def work() -> None:
        try:
            value = function(*arguments)
        except BaseException as error:  # Whatever it is, the request must not wait for ever.
            reply.fail(f"{type(error).__name__}: {error}")
            return
        if value is None or isinstance(value, str):
            reply.give(value)
        else:
            reply.fail(f"it gave {type(value).__name__}, not a text")

    threading.Thread(target=work, name="sealgate-agent-call", daemon=True).start()
