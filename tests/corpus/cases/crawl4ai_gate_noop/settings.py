"""What is configured: no gate, unless somebody writes otherwise."""

import os
from typing import Any

SECRET = os.environ.get("CRAWLER_SECRET", "")


def load() -> dict[str, Any]:
    return {
        "security": {
            "jwt_enabled": os.environ.get("CRAWLER_JWT") == "1",
        },
    }
