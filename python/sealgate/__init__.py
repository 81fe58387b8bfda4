"""The gate in front of a FastAPI or Starlette application.

A request reaches a handler only if its route was declared public or its caller passed the gate.
"""

from sealgate._core import FeedStatus, PolicyQuestionError, SettingsError, __version__
from sealgate.actors import Actor, Agent, Machine, User
from sealgate.gate import Gate
from sealgate.onward import OnwardError
from sealgate.policies import PolicyResource, Resource

__all__ = [
    "Actor",
    "Agent",
    "FeedStatus",
    "Gate",
    "Machine",
    "OnwardError",
    "PolicyQuestionError",
    "PolicyResource",
    "Resource",
    "SettingsError",
    "User",
    "__version__",
]
