"""The signature of the Standard Webhooks convention (https://www.standardwebhooks.com). Pure."""

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence

_PREFIX = "whsec_"
SHORTEST_SECRET = 24
"""Bytes of a key, as the convention asks for (24 to 64)."""


def key_of(secret: str) -> bytes:
    """The key behind a secret as people carry it: `whsec_` and base64. Raises ValueError."""
    if not secret.startswith(_PREFIX):
        raise ValueError(f"a signing secret is written {_PREFIX}… with base64 after it")
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except ValueError as broken:
        raise ValueError(f"what follows {_PREFIX} is no base64") from broken
    if len(key) < SHORTEST_SECRET:
        raise ValueError(f"a signing secret needs at least {SHORTEST_SECRET} random bytes")
    return key


def headers(
    secrets: Sequence[str], *, webhook_id: str, timestamp: int, body: bytes
) -> Mapping[str, str]:
    """What proves who sent this, when, and that nobody changed it: one signature a live secret."""
    signed = f"{webhook_id}.{timestamp}.".encode() + body
    signatures = [
        base64.b64encode(hmac.digest(key_of(secret), signed, hashlib.sha256)).decode()
        for secret in secrets
    ]
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }
