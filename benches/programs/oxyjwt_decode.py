"""The fastest library for tokens with a core in Rust that PyPI has for this Python: signature and claims."""

from __future__ import annotations

import sys

import oxyjwt
import rounds


def main() -> None:
    """Checks the call on a token, then serves rounds of fresh ones."""
    given = rounds.configuration()
    key = oxyjwt.DecodingKey.from_jwk(given["jwk"])

    def decode(token: str) -> object:
        return oxyjwt.decode(
            token, key, algorithms=[given["algorithm"]], audience=given["audience"], issuer=given["issuer"]
        )

    first, *tokens = given["tokens"]
    claims = decode(first)
    if not isinstance(claims, dict) or claims["sub"] != given["client"]:
        sys.exit("the library reads other claims")
    for token in tokens[: given["each"] - 1]:
        decode(token)
    rounds.serve_each(decode, tokens[given["each"] - 1 :], given["each"])


main()
