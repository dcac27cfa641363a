"""A request signed as the documentation says, independently of the service's own code."""

import hashlib
import hmac

from core.access.issuing import NewKey

BODY = b'{"caller": "+79005550101"}'


def signed(
    made: NewKey,
    at: float,
    *,
    nonce: str = "0123456789abcdef",
    body: bytes = BODY,
    method: str = "POST",
    path: str = "/calls",
    secret: str | None = None,
) -> dict[str, str]:
    """The four headers."""
    timestamp = str(int(at))
    text = f"{timestamp}\n{nonce}\n{method}\n{path}\n".encode() + body
    key = (secret or made.secret or "").encode()
    return {
        "X-IVR-Bridge-Key": made.public_id,
        "X-IVR-Bridge-Timestamp": timestamp,
        "X-IVR-Bridge-Nonce": nonce,
        "X-IVR-Bridge-Signature": hmac.new(key, text, hashlib.sha256).hexdigest(),
    }
