"""What platforms really send, under the contract's names. Whatever else they send is ignored."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

ANSWERS = "answers"
"""`answers=offer` in the address says that the request is the caller's answer to our question."""

# In order: the first that a request has counts. Twilio; Exotel; jambonz; FreeSWITCH's mod_httapi, which
# sends the caller profile (switch_caller_profile_event_set_data).
_NAMES: Mapping[str, tuple[str, ...]] = {
    "call_id": ("CallSid", "call_sid", "session_id"),
    "caller": ("From", "CallFrom", "Caller", "from", "Caller-Caller-ID-Number"),
    "line": ("To", "CallTo", "Called", "to", "Caller-Destination-Number"),
    "digits": ("Digits", "dialed_digits"),
    "queue_position": ("QueuePosition",),
    "caller_withheld": ("Caller-Privacy-Hide-Number",),
}
_PLATFORMS = frozenset({"CallSid", "call_sid", "session_id"})

CARRIED = (
    "line", "language", "brand", "intent", "ivr_path", "offer_stage", "voice_wait_s",
    "queue_position", "confirm", "channels", "deadline_ms", "can_poll", "attempt",
)  # fmt: skip
"""What may stand in the address of a POST: nothing about a person, for addresses are logged."""

_ENDED = frozenset({"completed", "busy", "failed", "no-answer", "canceled"})


class Heard(StrEnum):
    """The caller's answer to our own question."""

    NOT_ASKED = "not_asked"
    YES = "yes"
    NO = "no"
    SILENCE = "silence"
    """No key, or one that means nothing: not a No, and not a Yes either."""


class Queued(StrEnum):
    """Where a caller stands in jambonz's queue, as its hooks tell (`waitHook`, and `enqueue`'s own)."""

    NOT = "not"
    """Outside, or out of it again: the call may be asked about."""
    WAITING = "waiting"
    """Inside: what is answered may only be played, or leave the queue."""
    SERVED = "served"
    """A person had the call, and it is over."""
    GONE = "gone"
    """The caller hung up while waiting."""


def queued(fields: Mapping[str, Any]) -> Queued:
    """A hook of the queue tells `queue_sid`; the one that is asked while waiting tells no caller."""
    if "queue_sid" not in fields or "call_sid" not in fields:
        return Queued.NOT
    match fields.get("queue_result"):
        case None if "from" not in fields:
            return Queued.WAITING
        case "bridged":
            return Queued.SERVED
        case "hangup" | "wait":
            return Queued.GONE
    return Queued.NOT


def in_the_contracts_names(fields: Mapping[str, Any], address: Mapping[str, str]) -> dict[str, Any]:
    """The request under the contract's names; the address says what the platform cannot."""
    told: dict[str, Any] = {}
    if not _PLATFORMS.isdisjoint(fields):
        for name, others in _NAMES.items():
            found = next((other for other in others if other in fields), None)
            if found is not None:
                told[name] = fields[found]
    # An address is set up by a person, who knows better than the trunk which line it is.
    told |= {name: address[name] for name in CARRIED if address.get(name)}
    told |= dict(fields)
    if "call_sid" in fields:
        # jambonz calls the SIP's Call-ID `call_id`, and a leg that it dials has another one.
        told["call_id"] = fields["call_sid"]
    if queued(fields) is Queued.WAITING:
        told["caller_withheld"] = True
    return told


def heard(fields: Mapping[str, Any], address: Mapping[str, str], *, verbs: bool) -> Heard:
    """What the caller answered. A platform of verbs that sends keys sends an answer."""
    asked = address.get(ANSWERS, fields.get(ANSWERS)) == "offer"
    if not asked and not (verbs and "digits" in fields):
        return Heard.NOT_ASKED
    # Exotel puts the digits between quotation marks.
    match str(fields.get("digits") or "").strip().strip('"'):
        case "1":
            return Heard.YES
        case "2":
            return Heard.NO
        case _:
            return Heard.SILENCE


def is_over(fields: Mapping[str, Any]) -> bool:
    """mod_httapi asks once more when the call has ended; nobody is there to hear the answer."""
    return str(fields.get("exiting", "")).lower() == "true"


def event(fields: Mapping[str, Any], address: Mapping[str, str]) -> dict[str, Any]:
    """A platform's report about a call as one of our events; what is one already stays as it is."""
    status = fields.get("CallStatus", fields.get("call_status"))
    if "event" in fields or not isinstance(status, str):
        return dict(fields)
    if str(fields.get("Direction", fields.get("direction", ""))).startswith("outbound"):
        return {}  # the leg to an operator, not the caller's
    told = in_the_contracts_names(fields, address)
    return {
        "call_id": told.get("call_id"),
        "line": told.get("line"),
        "caller": told.get("caller"),
        "event": "ended" if status in _ENDED else "entered",
        "event_id": f"{told.get('call_id')}:{status}",
    }
