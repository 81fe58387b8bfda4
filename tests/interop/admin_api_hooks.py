"""What schemathesis has to know of the administration's API: whose token to send, and whom to leave alone."""

from __future__ import annotations

import json
import os
from typing import Any

import httpx
import schemathesis

ISSUER = os.environ["SEALGATE_INTEROP_ISSUER"]
CLIENT = (os.environ["SEALGATE_INTEROP_CLIENT"], os.environ["SEALGATE_INTEROP_SECRET"])
SCOPES = os.environ["SEALGATE_INTEROP_SCOPES"]


@schemathesis.auth(refresh_interval=1)  # pyright: ignore[reportUnknownMemberType]
class Token:
    """A token for the API, by client credentials. Often a new one: what is tried out may revoke it."""

    def get(self, case: schemathesis.Case[Any], ctx: schemathesis.AuthContext) -> str:
        """Asks for a token."""
        form = {"grant_type": "client_credentials", "resource": f"{ISSUER}/api/v1", "scope": SCOPES}
        answer = httpx.post(f"{ISSUER}/oauth/token", data=form, auth=CLIENT)
        if answer.is_error:
            raise RuntimeError(f"no token: {answer.status_code} {answer.text}")
        return str(answer.json()["access_token"])

    def set(self, case: schemathesis.Case[Any], data: str, ctx: schemathesis.AuthContext) -> None:
        """Sends it along."""
        case.headers["authorization"] = f"Bearer {data}"  # pyright: ignore[reportUnknownMemberType]


@schemathesis.hook  # pyright: ignore[reportUnknownMemberType]
def before_call(context: Any, case: schemathesis.Case[Any], kwargs: dict[str, Any]) -> None:
    """The client that all this is done with is neither changed nor removed, and nobody waits for long."""
    path: dict[str, Any] = case.path_parameters or {}  # pyright: ignore[reportUnknownMemberType]
    for name, value in path.items():
        if value == CLIENT[0]:
            path[name] = "somebody-else"
    query: dict[str, Any] = case.query or {}  # pyright: ignore[reportUnknownMemberType]
    wait = query.get("wait")
    if isinstance(wait, int) and 1 < wait <= 60:
        query["wait"] = 1
    if isinstance(case.body, dict | list):
        case.body = json.loads(json.dumps(case.body), parse_float=_number)


def _number(text: str) -> float:
    """A number, a whole one as such: `60.0` is an integer to JSON Schema, and not to us."""
    number = float(text)
    return int(number) if number.is_integer() else number
