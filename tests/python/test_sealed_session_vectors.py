"""The sealed session once more, written from docs/spec/sealed-session.md alone, against its vectors.

Nothing of Sealgate is imported: what opens here is what a second implementation would open.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import cbor2
import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

Vector = dict[str, Any]

SPEC = Path(__file__).parents[2] / "docs/spec"
VECTORS: Vector = json.loads((SPEC / "vectors/sealed-session.json").read_text("utf-8"))
LIMIT = 3_800


class RefusedError(Exception):
    """A value that does not open, with the reason code of the specification."""


def unbase64url(text: str) -> bytes:
    """Section 2: no padding, and only the one spelling of each text of bytes."""
    if not re.fullmatch(r"[A-Za-z0-9_-]*", text) or len(text) % 4 == 1:
        raise RefusedError("seal_malformed")
    content = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if base64url(content) != text:
        raise RefusedError("seal_malformed")
    return content


def base64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def kid_of(key: bytes) -> str:
    return hashlib.sha256(b"sealgate kid v1" + key).hexdigest()[:8]


def derive(key: bytes, purpose: str) -> bytes:
    info = b"sealgate v1 " + purpose.encode()
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=info).derive(key)


def cipher(key: bytes, purpose: str) -> AESGCMSIV:
    return AESGCMSIV(derive(key, purpose))


def associated_data(kid: str, vector: Vector) -> bytes:
    parts = ["v1", kid, vector["cookie"], vector["client"], vector["issuer"]]
    return b"".join(len(part.encode()).to_bytes(4, "big") + part.encode() for part in parts)


def open_sealed(ring: dict[str, bytes], vector: Vector) -> bytes:
    """Section 5, in its order."""
    sealed: str = vector["sealed"]
    if len(sealed.encode()) > LIMIT:
        raise RefusedError("seal_too_long")
    parts = sealed.split(".", 2)
    if len(parts) != 3 or parts[0] != "v1" or len(parts[1]) != 8:
        raise RefusedError("seal_malformed")
    kid = parts[1]
    content = unbase64url(parts[2])
    if len(content) < 28:
        raise RefusedError("seal_malformed")
    if kid not in ring:
        raise RefusedError("seal_key_unknown")
    try:
        return cipher(ring[kid], vector["purpose"]).decrypt(
            content[:12], content[12:], associated_data(kid, vector)
        )
    except InvalidTag:
        raise RefusedError("seal_broken") from None


def is_text(value: object) -> bool:
    return isinstance(value, str)


def is_time(value: object) -> bool:
    return type(value) is int and -(2**63) <= value < 2**63


def is_texts(value: object) -> bool:
    return isinstance(value, list) and all(map(is_text, cast("list[object]", value)))


def is_claim(value: object) -> bool:
    return isinstance(value, (str, bool)) or is_time(value)


def is_claims(value: object) -> bool:
    if not isinstance(value, dict):
        return False
    claims = cast("dict[object, object]", value)
    if len(cbor2.dumps(claims, canonical=True)) > 1_024:
        return False
    lists = [cast("list[object]", one) if isinstance(one, list) else [one] for one in claims.values()]
    values = [one for each in lists for one in each]
    few = len(claims) <= 64 and all(len(each) <= 64 for each in lists)
    return few and all(map(is_text, claims)) and all(map(is_claim, values))


def is_sid(value: object) -> bool:
    return isinstance(value, bytes) and len(value) == 16


Member = tuple[str, Callable[[object], bool], bool]

SESSION: dict[int, Member] = {
    0: ("sid", is_sid, True),
    1: ("sub", is_text, True),
    2: ("email", is_text, False),
    3: ("name", is_text, False),
    4: ("scopes", is_texts, True),
    5: ("roles", is_texts, True),
    6: ("started_at", is_time, True),
    7: ("renewed_at", is_time, True),
    8: ("renew_at", is_time, True),
    9: ("expires_at", is_time, True),
    10: ("refresh", is_text, False),
    11: ("authenticated_at", is_time, True),
    12: ("key", is_text, False),
    13: ("tenant", is_text, False),
    14: ("acr", is_text, False),
    15: ("told_at", is_time, False),
    16: ("claims", is_claims, False),
}
TRANSACTION: dict[int, Member] = {
    0: ("state", is_text, True),
    1: ("nonce", is_text, True),
    2: ("verifier", is_text, True),
    3: ("return_to", is_text, True),
    4: ("started_at", is_time, True),
}


def read(purpose: str, plain: bytes) -> Vector:
    """Section 6: the content as named members."""
    stream = io.BytesIO(plain)
    try:
        content: Any = cbor2.load(stream)
    except cbor2.CBORDecodeError:
        raise RefusedError("seal_content") from None
    if not isinstance(content, dict) or stream.tell() != len(plain):
        raise RefusedError("seal_content")
    found = cast("dict[object, object]", content)
    if not all(type(key) is int for key in found):
        raise RefusedError("seal_content")
    named: Vector = {}
    for key, (name, fits, required) in (SESSION if purpose == "session" else TRANSACTION).items():
        value = found.get(key)
        if (value is None and required) or (value is not None and not fits(value)):
            raise RefusedError("seal_content")
        named[name] = str(uuid.UUID(bytes=value)) if name == "sid" and isinstance(value, bytes) else value
    return named


def write(purpose: str, named: Vector) -> bytes:
    """Section 6: the one spelling that is written."""
    content: dict[int, object] = {}
    for key, (name, _, _) in (SESSION if purpose == "session" else TRANSACTION).items():
        value = named[name]
        if value is not None:
            content[key] = uuid.UUID(value).bytes if name == "sid" else value
    return cbor2.dumps(content, canonical=True)


def each(vectors: list[Vector]) -> pytest.MarkDecorator:
    assert vectors
    return pytest.mark.parametrize("vector", vectors, ids=lambda vector: vector["name"])


@pytest.fixture
def ring() -> dict[str, bytes]:
    return {key["kid"]: unbase64url(key["text"]) for key in VECTORS["ring"]}


def test_key_ids_come_from_the_keys(ring: dict[str, bytes]) -> None:
    assert len(ring) == 2
    assert all(kid_of(key) == kid for kid, key in ring.items())


@each(VECTORS["sealed"])
def test_the_content_seals_to_the_text(ring: dict[str, bytes], vector: Vector) -> None:
    plain = write(vector["purpose"], vector["content"])
    assert plain.hex() == vector["plain"]
    kid = vector["kid"]
    nonce = bytes.fromhex(vector["nonce"])
    secret = cipher(ring[kid], vector["purpose"]).encrypt(nonce, plain, associated_data(kid, vector))
    assert f"v1.{kid}.{base64url(nonce + secret)}" == vector["sealed"]


@each(VECTORS["sealed"])
def test_the_text_opens_to_the_content(ring: dict[str, bytes], vector: Vector) -> None:
    assert read(vector["purpose"], open_sealed(ring, vector)) == vector["content"]


@each(VECTORS["refused"])
def test_the_text_is_refused_for_its_reason(ring: dict[str, bytes], vector: Vector) -> None:
    with pytest.raises(RefusedError, match=f"^{vector['reason']}$"):
        open_sealed(ring, vector)


@each(VECTORS["contents"]["accepted"])
def test_the_content_is_read(vector: Vector) -> None:
    assert read(vector["purpose"], bytes.fromhex(vector["plain"])) == vector["content"]


@each(VECTORS["contents"]["refused"])
def test_the_content_is_refused(vector: Vector) -> None:
    with pytest.raises(RefusedError, match=f"^{vector['reason']}$"):
        read(vector["purpose"], bytes.fromhex(vector["plain"]))


def test_the_example_in_the_specification_is_right() -> None:
    page = (SPEC / "sealed-session.md").read_text("utf-8")
    _, _, block = page.partition("One of them in full:\n\n```\n")
    # Long values go on in further lines, which start with blanks.
    lines = re.sub(r"\n {2,}", "", block.partition("\n```")[0]).splitlines()
    shown: Vector = dict(line.replace("seal key", "seal-key").split() for line in lines)
    key = unbase64url(shown["seal-key"])
    assert shown["kid"] == kid_of(key)
    assert shown["derived"] == derive(key, shown["purpose"]).hex()
    assert shown["aad"] == associated_data(shown["kid"], shown).hex()
    assert open_sealed({shown["kid"]: key}, shown).hex() == shown["content"]
