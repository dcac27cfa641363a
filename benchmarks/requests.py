"""What is asked: the same calls, webhooks and messages of every program that is measured."""

import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from benchmarks import http

CALLERS = 9_000_000
"""As many numbers as there are below +7903…; a run takes each once."""

Kind = Literal["deflection", "eligibility", "message", "send"]


@dataclass(frozen=True, slots=True)
class Target:
    """Where a kind of request goes, and what an answer must hold to count."""

    kind: Kind
    port: int
    path: str
    secret: str
    """The line's key, the account's access token, or the app secret that signs webhooks."""
    expect: str
    """In the body of every good answer."""
    account: str
    host: str = "127.0.0.1"


def caller(number: int) -> str:
    """A Russian mobile number, another one for every count."""
    return f"+7903{number % CALLERS + 1_000_000:07d}"


def maker(target: Target, run: str) -> Callable[[int], bytes]:
    """The bytes of the n-th request; `run` keeps ids of one run apart from another's."""
    makers = {"deflection": _call, "eligibility": _call, "message": _message, "send": _send}
    return makers[target.kind](target, run)


def template(account: str, to: str, tracker: str) -> dict[str, object]:
    """An opening in the Cloud API's form: the workspace's own template, with a text and two payloads."""
    del account
    return {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": to,
        "biz_opaque_callback_data": tracker,
        "type": "template",
        "template": {
            "name": "call_to_chat",
            "language": {"code": "ru"},
            "components": [
                {"type": "body", "parameters": [{"type": "text", "text": "+7 800 250-00-00"}]},
                *[
                    {
                        "type": "button",
                        "sub_type": "quick_reply",
                        "index": str(index),
                        "parameters": [{"type": "payload", "payload": f"{letter}:{tracker}"}],
                    }
                    for index, letter in enumerate("cn")
                ],
            ],
        },
    }


def _call(target: Target, run: str) -> Callable[[int], bytes]:
    def make(number: int) -> bytes:
        told = {
            "call_id": f"{run}-{number}",
            "caller": caller(number),
            "line": "+78002500000",
            "language": "ru",
            "intent": "order_status",
            "ivr_path": ["main", "1"],
            "voice_wait_s": 540,
            "deadline_ms": 2500,
            "confirm": "accepted",
            "consent": {"given": True, "method": "dtmf", "prompt_version": "wa-1"},
        }
        headers = [("Authorization", f"Bearer {target.secret}")]
        return http.post(target.path, target.host, headers, json.dumps(told).encode())

    return make


def _send(target: Target, run: str) -> Callable[[int], bytes]:
    def make(number: int) -> bytes:
        body = template(target.account, caller(number), f"{run}-{number}")
        headers = [("Authorization", f"Bearer {target.secret}")]
        return http.post(target.path, target.host, headers, json.dumps(body).encode())

    return make


def _message(target: Target, run: str) -> Callable[[int], bytes]:
    """One customer's text a webhook, signed over its very bytes."""

    def make(number: int) -> bytes:
        digits = caller(number).lstrip("+")
        change = {
            "messaging_product": "whatsapp",
            "metadata": {
                "display_phone_number": "74951230000",
                "phone_number_id": target.account,
            },
            "contacts": [{"profile": {"name": "Анна"}, "wa_id": digits}],
            "messages": [
                {
                    "from": digits,
                    "id": f"wamid.{run}-{number}",
                    "timestamp": "1764000000",
                    "type": "text",
                    "text": {"body": "Здравствуйте! Где мой заказ?"},
                }
            ],
        }
        entry = [{"id": "200000000000001", "changes": [{"value": change, "field": "messages"}]}]
        body = json.dumps({"object": "whatsapp_business_account", "entry": entry}).encode()
        signed = hmac.new(target.secret.encode(), body, hashlib.sha256).hexdigest()
        return http.post(
            target.path, target.host, [("X-Hub-Signature-256", f"sha256={signed}")], body
        )

    return make
