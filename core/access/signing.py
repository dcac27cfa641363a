"""Requests that are signed instead of carrying their key (docs/ivr/authentication.md).

What is signed, byte for byte, lines ending with one line feed:

    timestamp LF nonce LF METHOD LF path-and-query LF body
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

TOLERANCE_S = 300
"""How far a caller's clock may be from ours."""

KEY_HEADER = "X-IVR-Bridge-Key"
TIMESTAMP_HEADER = "X-IVR-Bridge-Timestamp"
NONCE_HEADER = "X-IVR-Bridge-Nonce"
SIGNATURE_HEADER = "X-IVR-Bridge-Signature"

_TIMESTAMP = re.compile(r"[0-9]{1,12}")
_NONCE = re.compile(r"[A-Za-z0-9_-]{16,64}")
_SIGNATURE = re.compile(r"[0-9a-fA-F]{64}")


@dataclass(frozen=True, slots=True)
class Signed:
    """A request as its signature covers it."""

    key: str
    timestamp: str
    nonce: str
    signature: str
    method: str
    target: str
    """Path and query as they were sent."""
    body: bytes


def read_signed(
    headers: Mapping[str, str], *, method: str, target: str, body: bytes
) -> Signed | None:
    """What the four headers say, or None when one is missing or no such thing."""
    timestamp, nonce = headers.get(TIMESTAMP_HEADER, ""), headers.get(NONCE_HEADER, "")
    signature = headers.get(SIGNATURE_HEADER, "")
    if not (
        _TIMESTAMP.fullmatch(timestamp)
        and _NONCE.fullmatch(nonce)
        and _SIGNATURE.fullmatch(signature)
    ):
        return None
    return Signed(headers.get(KEY_HEADER, ""), timestamp, nonce, signature, method, target, body)


def fresh(signed: Signed, now: datetime) -> bool:
    """Was it made about now?"""
    return abs(int(signed.timestamp) - now.timestamp()) <= TOLERANCE_S


def signature(
    secret: str, *, timestamp: str, nonce: str, method: str, target: str, body: bytes
) -> str:
    """The signature of a request, in hexadecimal."""
    head = f"{timestamp}\n{nonce}\n{method}\n{target}\n".encode()
    return hmac.new(secret.encode(), head + body, hashlib.sha256).hexdigest()


def signed_right(signed: Signed, secret: str) -> bool:
    """Is it this secret's signature of this request?"""
    wanted = signature(
        secret,
        timestamp=signed.timestamp,
        nonce=signed.nonce,
        method=signed.method,
        target=signed.target,
        body=signed.body,
    )
    return hmac.compare_digest(wanted, signed.signature.lower())
