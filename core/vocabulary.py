"""Words that more than one room says."""

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import NewType

import phonenumbers

Language = NewType("Language", str)
"""A lower-case ISO 639-1 code: `ru`, `en`."""


class ChannelKind(StrEnum):
    """The messenger networks the house can speak."""

    WHATSAPP = "whatsapp"
    TELEGRAM = "telegram"
    VIBER = "viber"
    VK = "vk"
    MESSENGER = "messenger"
    INSTAGRAM = "instagram"
    MAX = "max"
    SMS = "sms"
    WEBCHAT = "webchat"


@dataclass(frozen=True, slots=True)
class PhoneNumber:
    """A telephone number in E.164 that never prints itself whole."""

    e164: str

    def __str__(self) -> str:
        return mask(self.e164)

    __repr__ = __str__

    @property
    def digits(self) -> str:
        """Without the plus, as WhatsApp writes a wa_id."""
        return self.e164.lstrip("+")

    @property
    def region(self) -> str | None:
        """ISO 3166-1 country of the numbering plan, when it is known."""
        plan = plan_of(self)
        return None if plan is None else plan.region


@dataclass(frozen=True, slots=True)
class Plan:
    """What the numbering plans say about a number."""

    country_code: int
    region: str | None
    """Of the very number; None where the plan of its country does not know it."""
    kind: int
    """A `phonenumbers.PhoneNumberType`."""


def plan_of(number: PhoneNumber) -> Plan | None:
    """Where a number belongs; None when it is none."""
    read = _read(number.e164, None)
    return None if read is None else read.plan


# Their mobiles and landlines share a look (Argentina with or without a 9, Mexico's 52 and 521, Brazil's
# ninth digit), and libphonenumber takes mobiles of theirs for landlines.
_UNSURE_PLANS = frozenset({"AR", "BR", "MX"})
_NEVER_MOBILE = frozenset(
    {
        phonenumbers.PhoneNumberType.FIXED_LINE,
        phonenumbers.PhoneNumberType.TOLL_FREE,
        phonenumbers.PhoneNumberType.PREMIUM_RATE,
        phonenumbers.PhoneNumberType.SHARED_COST,
        phonenumbers.PhoneNumberType.UAN,
        phonenumbers.PhoneNumberType.VOICEMAIL,
    }
)


def is_landline(number: PhoneNumber) -> bool:
    """Does the numbering plan say for certain that this is no mobile? In doubt it does not."""
    plan = plan_of(number)
    return plan is not None and plan.region not in _UNSURE_PLANS and plan.kind in _NEVER_MOBILE


def mask(text: str) -> str:
    """The form of a number or address that may be read over a shoulder."""
    return f"{text[:3]}…{text[-2:]}" if len(text) > 5 else "…"  # noqa: PLR2004 - shorter hides nothing


# With the plus: ITU-T E.164 allows 15 digits; nothing shorter than ten reaches a mobile abroad.
_SHORTEST_E164 = 11
_LONGEST_E164 = 16


def phone_number(text: str, *, country: str | None = None) -> PhoneNumber | None:
    """What a PBX sent as a caller, understood by the line's country; None when it is no number.

    Takes national, trunk (8… in Russia), 00…, a space where a plus was URL-decoded away, SIP and
    tel URIs, extensions, and digits with separators.
    """
    raw = _strip_uri(text)
    candidates = [raw]
    if raw[:1] not in {"+", "0"} and raw.isdigit():
        # A PBX that drops the plus sends 79161234567; a national reading is tried first, because
        # a ten-digit national number may also begin with another country's code.
        candidates.append("+" + raw)
    if raw.startswith("00"):
        candidates.insert(0, "+" + raw[2:])
    for candidate in candidates:
        # Written in full it is the same everywhere; whatever else has a plus is read as if it had none.
        read = _read(candidate, None) if candidate.startswith("+") else None
        read = read or _read(candidate, country)
        if read is not None and read.valid:
            return PhoneNumber(read.e164)
    # Numbering plans move faster than metadata, and Mexico's +52 1 … is still on the wire: a full
    # international number of a known country that is merely unknown to the library is dialled.
    read = _read(raw, None) if raw.startswith("+") else None
    if read is not None and _SHORTEST_E164 <= len(read.e164) <= _LONGEST_E164:
        return PhoneNumber(read.e164)
    return None


@dataclass(frozen=True, slots=True)
class _Read:
    """A text that is a telephone number, whether or not there is such a number."""

    e164: str
    plan: Plan
    valid: bool


# Reading is slow, and a call asks about the same number several times.
@lru_cache(maxsize=4096)
def _read(text: str, country: str | None) -> _Read | None:
    try:
        parsed = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        return None
    kind = phonenumbers.number_type(parsed)
    known = kind != phonenumbers.PhoneNumberType.UNKNOWN
    return _Read(
        phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164),
        Plan(parsed.country_code or 0, phonenumbers.region_code_for_number(parsed), kind),
        # `is_valid_number` would find out about region and kind once more.
        valid=known and phonenumbers.is_possible_number(parsed),
    )


# What follows the number is none of it: an extension, a pause and what to key in then, a port, a name.
_NOT_DIALLED = re.compile(r"[^\W\d_]|[,;:#*]")


def _strip_uri(text: str) -> str:
    """The number inside `"Anna" <sip:+7916…@pbx;user=phone>`, `tel:` or `+7 916 …;ext=12`."""
    raw = text
    if "<" in raw and ">" in raw:
        raw = raw[raw.index("<") + 1 : raw.index(">")]
    lowered = raw.strip().lower()
    for scheme in ("sips:", "sip:", "tel:"):
        if lowered.startswith(scheme):
            raw = raw.strip()[len(scheme) :]
            raw = raw.split("@", 1)[0]
            break
    raw = raw.split(";", 1)[0].split("@", 1)[0]
    number = re.search(r"\d", raw)
    rest = None if number is None else _NOT_DIALLED.search(raw, number.end())
    if rest is not None:
        raw = raw[: rest.start()]
    plus = raw[:1] == " " and raw.strip()[:1].isdigit()
    kept = "".join(letter for letter in raw if letter.isdigit() or letter == "+")
    # A leading space is a plus that a form decoder took away.
    return "+" + kept if plus and not kept.startswith("+") else kept
