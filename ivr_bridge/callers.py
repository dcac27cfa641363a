"""Who is calling, from what a trunk passes on."""

from dataclasses import dataclass

from core.vocabulary import PhoneNumber, phone_number

_HIDDEN = frozenset(
    {"", "anonymous", "unavailable", "unknown", "withheld", "private", "restricted", "blocked", "asserted",
     "none", "null", "nil", "<unknown>", "no number", "number unavailable", "not available"}
)  # fmt: skip


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


def _is_hidden(text: str | None) -> bool:
    if text is None:
        return True
    plain = text.strip().strip('"').lower()
    if plain in _HIDDEN:
        return True
    # `"Anonymous" <sip:anonymous@anonymous.invalid>`: RFC 3323's way of saying nothing.
    return "anonymous@" in plain or "anonymous.invalid" in plain
