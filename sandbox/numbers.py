"""Phone numbers as Meta treats them: the plus sign, national prefixes, wa_id variants, BSUIDs."""

import hashlib
import re

# ITU-T E.164 list of assigned codes: zones 1 and 7 are whole, these have two digits, the rest three.
_TWO_DIGIT_CODES = frozenset(
    [
        "20",
        "27",
        "30",
        "31",
        "32",
        "33",
        "34",
        "36",
        "39",
        "40",
        "41",
        "43",
        "44",
        "45",
        "46",
        "47",
        "48",
        "49",
        "51",
        "52",
        "53",
        "54",
        "55",
        "56",
        "57",
        "58",
        "60",
        "61",
        "62",
        "63",
        "64",
        "65",
        "66",
        "81",
        "82",
        "84",
        "86",
        "90",
        "91",
        "92",
        "93",
        "94",
        "95",
        "98",
    ]
)
_COUNTRY = {
    "1": "US", "7": "RU", "77": "KZ", "52": "MX", "54": "AR", "55": "BR", "44": "GB", "49": "DE",
    "90": "TR", "91": "IN", "375": "BY", "380": "UA", "971": "AE", "998": "UZ",
}  # fmt: skip
# Brazilian area codes whose WhatsApp ids keep the ninth digit.
_BR_KEEPS_NINE = frozenset([*map(str, range(11, 20)), "21", "22", "24", "27", "28"])
_NOT_DIGITS = re.compile(r"[^\d]")
_SHORTEST, _LONGEST = 7, 15


def calling_code(digits: str) -> str:
    """The country calling code that an international number begins with."""
    if digits[:1] in {"1", "7"}:
        return digits[:1]
    return digits[:2] if digits[:2] in _TWO_DIGIT_CODES else digits[:3]


def person(digits: str) -> str:
    """One key for one phone, whichever of its accepted spellings was used."""
    if digits.startswith("521") and len(digits) == len("5215512345678"):
        return "52" + digits[3:]
    if (
        digits.startswith("54")
        and not digits.startswith("549")
        and len(digits) == len("541123456789")
    ):
        return "549" + digits[2:]
    if digits.startswith("55") and len(digits) == len("551187654321"):
        return digits[:4] + "9" + digits[4:]
    return digits


def wa_id(key: str) -> str:
    """The id under which WhatsApp knows this phone: Brazil, Mexico and Argentina differ."""
    if key.startswith("52") and len(key) == len("525512345678"):
        return "521" + key[2:]
    if key.startswith("55") and len(key) == len("5531987654321") and key[2:4] not in _BR_KEEPS_NINE:
        return key[:4] + key[5:]
    return key


def read(raw: str, *, business: str) -> str | None:
    """The person key for a `to`; without a plus the business's country code comes before it."""
    digits = _NOT_DIGITS.sub("", raw)
    if not raw.strip().startswith("+"):
        home = calling_code(business)
        if not digits.startswith(home):
            digits = home + digits
    if not _SHORTEST <= len(digits) <= _LONGEST:
        return None
    return person(digits)


def key(number: str) -> str:
    """The person key of a number written by a judge or a phone page, plus sign or not."""
    return person(_NOT_DIGITS.sub("", number))


def bsuid(portfolio: str, person_key: str) -> str:
    """The business-scoped id: country, a dot, and letters and digits that differ per portfolio."""
    country = _COUNTRY.get(person_key[:2]) or _COUNTRY.get(calling_code(person_key), "ZZ")
    secret = hashlib.sha256(f"{portfolio}:{person_key}".encode()).hexdigest()
    return f"{country}.{int(secret[:24], 16)}"
