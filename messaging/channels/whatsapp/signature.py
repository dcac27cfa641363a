"""Is this webhook Meta's? HMAC-SHA256 of the raw bytes, compared in constant time."""

import hmac
from collections.abc import Iterable, Mapping

_PREFIX = "sha256="


def header(headers: Mapping[str, str], name: str) -> str | None:
    """A header by its name in any case, from any mapping."""
    found = headers.get(name)
    if found is not None:
        return found
    wanted = name.lower()
    return next((value for key, value in headers.items() if key.lower() == wanted), None)


def is_signed(claimed: str | None, body: bytes, secrets: Iterable[str | None]) -> bool:
    """Whether any live secret signed exactly these bytes.

    Every secret is tried whatever the others say, so that the time tells nothing about which fits.
    """
    given = (claimed or "").encode("utf-8", "replace")
    fits = False
    for secret in secrets:
        if not secret:
            continue
        expected = _PREFIX + hmac.digest(secret.encode(), body, "sha256").hex()
        fits |= hmac.compare_digest(given, expected.encode())
    return fits
