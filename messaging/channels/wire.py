"""Reading provider JSON that may be anything: every function answers, none raises."""

import hashlib
import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

import orjson

JsonObject = Mapping[str, object]

_NOTHING: JsonObject = MappingProxyType({})
_DEEPEST = 12
_AHEAD = timedelta(minutes=5)
"""By how much two clocks that are both kept may differ."""


def document(body: bytes) -> object:
    """What a body holds; ValueError when it is no JSON, or nested too deeply.

    The quick reader is strict: what it refuses (lone surrogates, NaN, another encoding) is read by the
    standard library's, and cleaned value by value.
    """
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        pass
    try:
        return json.loads(body)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def mapping(value: object) -> JsonObject:
    """The object, or an empty one when this is none."""
    return value if isinstance(value, dict) else _NOTHING


def sequence(value: object) -> list[object]:
    """The array, or an empty one when this is none."""
    return value if isinstance(value, list) else []


def text(value: object) -> str | None:
    """The words, fit to be stored; ids and times that come as numbers are words too."""
    if value is None:
        return None
    if isinstance(value, str):
        return storable(value) or None
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 63:
        return str(value)
    return None


def storable(words: str) -> str:
    """Without what JSON can carry but PostgreSQL text and UTF-8 cannot: NUL and lone surrogates."""
    if "\0" in words:
        words = words.replace("\0", "")
    return words if words.isascii() else words.encode("utf-8", "replace").decode("utf-8")


def number(value: object) -> float | None:
    """A finite number, written as one or in words."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def plain(value: object, depth: int = 0) -> object:
    """A copy that can be stored as JSON whatever it was; what lies too deep is left out."""
    if isinstance(value, str):
        return storable(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if abs(value) < 1 << 63 else None
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if depth >= _DEEPEST:
        return None
    if isinstance(value, dict):
        return {storable(str(key)): plain(each, depth + 1) for key, each in value.items()}
    if isinstance(value, list):
        return [plain(each, depth + 1) for each in value]
    return None


def moment(value: object, now: datetime) -> datetime:
    """A time in seconds since 1970; now when there is none or it cannot be one."""
    try:
        return believed(datetime.fromtimestamp(int(value), UTC), now)  # type: ignore[call-overload]
    except (TypeError, ValueError, OverflowError, OSError):
        return now


def believed(at: datetime, now: datetime) -> datetime:
    """The moment, unless it has not come yet: that would order threads wrongly, and hold a customer's
    24-hour window open for as long as the provider's clock is ahead.
    """
    try:
        told = at.astimezone(UTC)
    except OverflowError:
        return now
    return told if told <= now + _AHEAD else now


def digest(*parts: object) -> str:
    """One key for one thing said, however often it is repeated."""
    canonical = json.dumps(plain(list(parts)), sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()[:40]
