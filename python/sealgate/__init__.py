"""The gate in front of a FastAPI or Starlette application.

A request reaches a handler only if its route was declared public or its caller passed the gate.
"""

from sealgate._core import SettingsError, User, __version__
from sealgate.gate import Gate

__all__ = ["Gate", "SettingsError", "User", "__version__"]
