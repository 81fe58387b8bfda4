"""Why there is no token."""

from __future__ import annotations

from sealgate._core import AgentAnswer


class AgentError(Exception):
    """There is no token for the request, or the one there is may not go with it; so it was not sent."""

    def __init__(self, message: str, reason: str, *, temporary: bool) -> None:
        """Takes what to tell, the reason code, and whether waiting helps."""
        super().__init__(f"{message} ({reason})")
        self.reason = reason
        """The stable reason code, such as `agent_sign_in_refused`."""
        self.temporary = temporary
        """Whether the same may go well a moment later."""


def checked(answer: AgentAnswer) -> AgentAnswer:
    """The answer, unless it is a failure: then `AgentError` is raised."""
    if answer.reason is not None:
        raise AgentError(answer.message, answer.reason, temporary=answer.temporary)
    return answer
