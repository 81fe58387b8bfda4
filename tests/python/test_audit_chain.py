"""The audit chain, verified by somebody else: docs/spec/audit-chain.md read again, with hashlib and PyJWT."""

from __future__ import annotations

import hashlib
import json
import uuid
from pathlib import Path
from typing import Any

import jwt
import pytest

VECTORS = Path(__file__).parents[2] / "docs/spec/vectors/audit-chain.json"

Record = dict[str, Any]


def content(record: Record) -> bytes:
    """The hash of a record's content (section 1)."""

    def text(name: str) -> bytes | None:
        value = record.get(name)
        return None if value is None else value.encode()

    def number(name: str) -> bytes | None:
        value = record.get(name)
        return None if value is None else value.to_bytes(8, "big", signed=True)

    def identity(name: str) -> bytes | None:
        value = record.get(name)
        return None if value is None else uuid.UUID(value).bytes

    fields = [
        number("at"),
        *map(text, ["actor", "actor_type", "credential", "through"]),
        identity("through_session"),
        *map(text, ["action", "outcome", "reason"]),
        identity("user"),
        text("client"),
        identity("session"),
        *map(text, ["object", "network", "route", "trace"]),
        number("count"),
        number("policy_version"),
    ]
    canonical = b"\x01"
    for field in fields:
        canonical += b"\0" if field is None else b"\1" + len(field).to_bytes(4, "big") + field
    return hashlib.sha256(b"sealgate audit record\n" + canonical).digest()


def link(previous: bytes, number: int, inner: bytes) -> bytes:
    """The hash of a record (section 2)."""
    place = number.to_bytes(8, "big")
    return hashlib.sha256(b"sealgate audit link 1\n" + previous + place + inner).digest()


def verify(lines: list[Record], keys: dict[str, Any]) -> int:
    """Verifies a whole chain; the last record that is signed."""
    previous, hashes, signed, before = bytes(32), dict[int, str](), 0, None
    for line in lines:
        if "checkpoint" in line:
            continue
        inner = content(line) if "action" in line else bytes.fromhex(line["content"])
        assert line["number"] == len(hashes) + 1, "a record is missing"
        previous = link(previous, line["number"], inner)
        assert line["hash"] == previous.hex(), f"record {line['number']} was altered"
        hashes[line["number"]] = line["hash"]
    for line in lines:
        if "checkpoint" in line:
            token: str = line["checkpoint"]
            header = jwt.get_unverified_header(token)
            assert header["typ"] == "sealgate-audit+jwt"
            key = jwt.PyJWK(keys[header["kid"]], algorithm="EdDSA")
            told = jwt.decode(token, key, algorithms=["EdDSA"], options={"verify_iat": False})
            assert told.get("previous") == before, "a checkpoint is missing"
            assert hashes.get(told["number"]) == told["hash"], "not what was signed"
            before, signed = hashlib.sha256(token.encode()).hexdigest(), told["number"]
    return signed


def vectors() -> tuple[list[Record], dict[str, Any]]:
    document = json.loads(VECTORS.read_text())
    return document["lines"], {key["kid"]: key for key in document["keys"]}


def test_the_vectors_are_verified_without_any_code_of_sealgates() -> None:
    lines, keys = vectors()
    assert verify(lines, keys) == 4


@pytest.mark.parametrize("member", ["reason", "object", "network", "count", "actor_type"])
def test_a_member_that_is_altered_is_noticed(member: str) -> None:
    lines, keys = vectors()
    lines[1][member] = 7 if member == "count" else "x"
    with pytest.raises(AssertionError, match="altered"):
        verify(lines, keys)


def test_a_record_or_a_checkpoint_that_is_removed_is_noticed() -> None:
    lines, keys = vectors()
    with pytest.raises(AssertionError, match="a record is missing"):
        verify(lines[1:], keys)
    signed = [line for line in lines if "checkpoint" in line]
    with pytest.raises(AssertionError, match="a checkpoint is missing"):
        verify([line for line in lines if line is not signed[0]], keys)
