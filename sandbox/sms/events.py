"""What the provider tells the business: one plain object a report or an answer."""

from datetime import UTC, datetime

from sandbox.behaviours import NOT_ON_WHATSAPP
from sandbox.outgoing import Outgoing
from sandbox.specs import AccountSpec, Json

UNKNOWN_SUBSCRIBER, UNDELIVERABLE = "unknown_subscriber", "undeliverable"


def code_of(number: int | None) -> str:
    """The provider's word for what happened; behaviours know Meta's numbers."""
    return UNKNOWN_SUBSCRIBER if number == NOT_ON_WHATSAPP else UNDELIVERABLE


def report(message: Outgoing, status: str, *, at: float, code: int | None) -> Json:
    """A delivery report."""
    told: Json = {
        "id": message.wamid,
        "reference": message.tracker,
        "to": f"+{message.person}",
        "status": status,
        "at": _written(at),
    }
    if status == "failed":
        told["code"] = code_of(code)
    return told


def answer(account: AccountSpec, person: str, message: Json) -> Json:
    """What a customer wrote back."""
    return {
        "id": message["id"],
        "from": f"+{person}",
        "to": account.display_number,
        "text": message["text"]["body"],
        "at": _written(float(message["timestamp"])),
    }


def _written(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat()
