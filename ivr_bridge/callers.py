"""Who is calling, from what a trunk passes on."""

import re
from dataclasses import dataclass

from core.vocabulary import PhoneNumber, mask, phone_number

_HIDDEN = frozenset(
    {"", "anonymous", "unavailable", "unknown", "withheld", "private", "restricted", "blocked", "asserted",
     "none", "null", "nil", "<unknown>", "no number", "number unavailable", "not available"}
)  # fmt: skip
# Twilio spells a caller who is hidden on the keys of a telephone (twilio.com/docs/voice/twiml, "What if
# the caller is unknown"): +266696687 reads ANONYMOUS.
_SPELT = frozenset(
    {"266696687", "7378742833", "2562533", "8656696", "86282452253", "7748283", "7378742883"}
)
_TOLD_APART = 7
"""A caller's last digits that, in a call id, are no coincidence."""


@dataclass(frozen=True, slots=True)
class Caller:
    """The caller's number when it may be known, and the number to write to."""

    phone: PhoneNumber | None
    withheld: bool
    target: PhoneNumber | None
    """Where a message would go: the caller, or a mobile that was keyed in."""
    keyed_in: bool = False
    """`target` was typed by the caller and verified by nobody."""


def caller_of(
    text: str | None, *, withheld: bool, messenger_number: str | None, country: str
) -> Caller:
    """Understand a caller by the line's country; a withheld flag wins over a number passed anyway."""
    hidden = withheld or _is_hidden(text)
    phone = None if hidden or text is None else phone_number(text, country=country)
    if messenger_number is not None:
        keyed = phone_number(messenger_number, country=country)
        if keyed is not None:
            return Caller(phone, hidden, keyed, keyed_in=True)
    return Caller(phone, hidden, phone)


def without(call_id: str, caller: str | None) -> str:
    """The call id as it may be read: some PBXs build the caller's number into it."""
    if caller is None:
        return call_id
    end = caller[-_TOLD_APART:]
    return re.sub(rf"\+?\d*{re.escape(end)}", mask(caller), call_id, flags=re.ASCII)


def _is_hidden(text: str | None) -> bool:
    if text is None:
        return True
    plain = text.strip().strip('"').lower()
    if plain in _HIDDEN or (plain.startswith("+") and plain[1:] in _SPELT):
        return True
    # `"Anonymous" <sip:anonymous@anonymous.invalid>`: RFC 3323's way of saying nothing.
    return "anonymous@" in plain or "anonymous.invalid" in plain
