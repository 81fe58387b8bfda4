"""What schemathesis has to know of the administration's API: whose token to send, and whom to leave alone."""

from __future__ import annotations

import os
from typing import Any

import httpx
import schemathesis

ISSUER = os.environ["SEALGATE_INTEROP_ISSUER"]
CLIENT = (os.environ["SEALGATE_INTEROP_CLIENT"], os.environ["SEALGATE_INTEROP_SECRET"])


@schemathesis.auth(refresh_interval=1)  # pyright: ignore[reportUnknownMemberType]
class Token:
    """A token for the API, by client credentials. Often a new one: what is tried out may revoke it."""

    def get(self, case: schemathesis.Case[Any], ctx: schemathesis.AuthContext) -> str:
        """Asks for a token."""
        form = {"grant_type": "client_credentials", "resource": f"{ISSUER}/api/v1"}
        answer = httpx.post(f"{ISSUER}/oauth/token", data=form, auth=CLIENT)
        if answer.is_error:
            raise RuntimeError(f"no token: {answer.status_code} {answer.text}")
        return str(answer.json()["access_token"])

    def set(self, case: schemathesis.Case[Any], data: str, ctx: schemathesis.AuthContext) -> None:
        """Sends it along."""
        case.headers["authorization"] = f"Bearer {data}"  # pyright: ignore[reportUnknownMemberType]


@schemathesis.hook  # pyright: ignore[reportUnknownMemberType]
def before_call(context: Any, case: schemathesis.Case[Any], kwargs: dict[str, Any]) -> None:
    """The client that all this is done with is neither changed nor removed."""
    path: dict[str, Any] = case.path_parameters or {}  # pyright: ignore[reportUnknownMemberType]
    for name, value in path.items():
        if value == CLIENT[0]:
            path[name] = "somebody-else"
    case.body = _whole(case.body)


def _whole(value: Any) -> Any:
    """The same with whole numbers written as such: `60.0` is an integer to JSON Schema, and not to us."""
    if isinstance(value, dict):
        members: dict[Any, Any] = value
        return {name: _whole(member) for name, member in members.items()}
    if isinstance(value, list):
        entries: list[Any] = value
        return [_whole(entry) for entry in entries]
    return int(value) if isinstance(value, float) and value.is_integer() else value
