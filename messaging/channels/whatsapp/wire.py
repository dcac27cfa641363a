"""Meta's ids, and what every adapter reads JSON with."""

import re

from messaging.channels.wire import (
    JsonObject,
    digest,
    document,
    mapping,
    moment,
    number,
    plain,
    sequence,
    storable,
    text,
)

_BSUID = re.compile(r"[A-Z]{2}\.(?:ENT\.)?[A-Za-z0-9]{1,128}")
_MEDIA_ID = re.compile(r"[A-Za-z0-9_=-][A-Za-z0-9_=.-]{0,255}")


def wa_id(value: object) -> str | None:
    """A WhatsApp id: digits. Never checked against a numbering plan, which knows BR and MX ids badly."""
    digits = (text(value) or "").removeprefix("+")
    return digits if digits.isascii() and digits.isdigit() else None


def bsuid(value: object) -> str | None:
    """A business-scoped user id, `BR.1502…`."""
    words = text(value)
    return words if words and _BSUID.fullmatch(words) else None


def media_id(value: object) -> str | None:
    """A file's id. It becomes part of an address, so nothing but a name passes."""
    words = text(value)
    return words if words and _MEDIA_ID.fullmatch(words) else None


__all__ = [
    "JsonObject",
    "bsuid",
    "digest",
    "document",
    "mapping",
    "media_id",
    "moment",
    "number",
    "plain",
    "sequence",
    "storable",
    "text",
    "wa_id",
]
