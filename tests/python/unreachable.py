"""Settings of a gate whose control plane is away: nothing listens on port 9."""

from typing import Any

SEAL_KEY = "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA"

SETTINGS: dict[str, Any] = {
    "issuer": "http://127.0.0.1:9",
    "client_id": "tests",
    "client_secret": "tests-secret-tests-secret",
    "base_url": "http://127.0.0.1:8000",
    "seal_keys": SEAL_KEY,
    "docs": "closed",
}
