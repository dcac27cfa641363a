"""The WhatsApp Cloud API's words: what Meta answers, and how it signs."""

import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

PHONE_NUMBER_ID = "100200300400500"
WABA_ID = "900800700600"
WAMID = "wamid.HBgLNzkwMDU1NTAxMDEVAgARGBJPUEVOSU5HAA=="
PAYLOADS = Path(__file__).parent.parent / "payloads" / "whatsapp"


def payload(name: str) -> bytes:
    """A webhook body in the shape that Meta documents."""
    return (PAYLOADS / f"{name}.json").read_bytes()


def payload_names() -> list[str]:
    return sorted(path.stem for path in PAYLOADS.glob("*.json"))


def accepted(**contact: str) -> dict[str, Any]:
    """The answer to a send."""
    return {
        "messaging_product": "whatsapp",
        "contacts": [{"input": "+79005550101", "wa_id": "79005550101", **contact}],
        "messages": [{"id": WAMID, "message_status": "accepted"}],
    }


def error(code: int | str, details: str = "It did not work.") -> dict[str, Any]:
    """A Graph API error."""
    return {
        "error": {
            "message": f"(#{code}) Something",
            "type": "OAuthException",
            "code": code,
            "error_data": {"messaging_product": "whatsapp", "details": details},
            "fbtrace_id": "AbCdEf",
        }
    }


def webhook(**value: Any) -> bytes:
    """A body with one change for our number."""
    metadata = {"display_phone_number": "78002500000", "phone_number_id": PHONE_NUMBER_ID}
    change = {
        "field": "messages",
        "value": {"messaging_product": "whatsapp", "metadata": metadata, **value},
    }
    entry = {"id": WABA_ID, "changes": [change]}
    return json.dumps({"object": "whatsapp_business_account", "entry": [entry]}).encode()


def message(kind: str, told: object, **more: Any) -> dict[str, Any]:
    """One element of `messages[]`."""
    return {
        "from": "79005550101",
        "id": "wamid.IN1",
        "timestamp": "1763769600",
        "type": kind,
        kind: told,
        **more,
    }


def signature(secret: str, body: bytes) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
