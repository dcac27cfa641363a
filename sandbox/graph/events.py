"""The bodies of webhooks, in the shape of Meta's `changes[].value`."""

from typing import Any

from sandbox import numbers
from sandbox.graph.refusals import status_error
from sandbox.outgoing import Outgoing
from sandbox.specs import AccountSpec, Json


def metadata(account: AccountSpec) -> Json:
    """Which of the business's numbers this is about."""
    return {
        "display_phone_number": account.display_number.lstrip("+"),
        "phone_number_id": account.phone_number_id,
    }


def contact(account: AccountSpec, person: str, name: str) -> Json:
    """Who is at the far end; a person with a username may hide the number."""
    entry: Json = {"profile": {"name": name}}
    if account.bsuid != "only":
        entry["wa_id"] = numbers.wa_id(person)
    if account.bsuid != "off":
        entry["user_id"] = numbers.bsuid(account.waba_id, person)
    return entry


def status_value(
    account: AccountSpec,
    message: Outgoing,
    status: str,
    *,
    at: float,
    name: str,
    code: int | None = None,
) -> Json:
    """One delivery status; pricing comes once on `sent` and once on the first of delivered, read."""
    entry: Json = {
        "id": message.wamid,
        "status": status,
        "timestamp": str(int(at)),
        "recipient_id": numbers.wa_id(message.person),
    }
    if message.tracker is not None:
        entry["biz_opaque_callback_data"] = message.tracker
    if status == "failed":
        entry["errors"] = [status_error(code or 131000)]
    elif _priced(message, status):
        entry["pricing"] = _pricing(message)
    value: Json = {"messaging_product": "whatsapp", "metadata": metadata(account)}
    # Meta: `failed` statuses carry neither contacts nor, for a send to a phone, the user id.
    if account.bsuid != "off" and status != "failed":
        value["contacts"] = [contact(account, message.person, name)]
        entry["recipient_user_id"] = numbers.bsuid(account.waba_id, message.person)
    value["statuses"] = [entry]
    return value


def _priced(message: Outgoing, status: str) -> bool:
    if message.type == "reaction":
        return False
    if status == "sent":
        return True
    return not {"delivered", "read", "played"} & set(message.statuses)


def _pricing(message: Outgoing) -> Json:
    kind = "free_customer_service" if message.free else "regular"
    return {
        "billable": not message.free,
        "pricing_model": "PMP",
        "type": kind,
        "category": message.category,
    }


def message_value(account: AccountSpec, person: str, name: str, message: dict[str, Any]) -> Json:
    """One customer message with its sender."""
    who: Json = {}
    if account.bsuid != "only":
        who["from"] = numbers.wa_id(person)
    if account.bsuid != "off":
        who["from_user_id"] = numbers.bsuid(account.waba_id, person)
    return {
        "messaging_product": "whatsapp",
        "metadata": metadata(account),
        "contacts": [contact(account, person, name)],
        "messages": [{**who, **message}],
    }
