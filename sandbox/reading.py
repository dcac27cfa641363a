"""What the product sends, read without complaint: refusing is the network's part."""

import json
from typing import Any

from sandbox.specs import Json


def parsed(raw: bytes) -> Json:
    """A JSON object, empty where there is none."""
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


def text(value: Any) -> str | None:
    """A text, if it is one."""
    return value if isinstance(value, str) else None
