"""Which country a number belongs to, and whether a line may write there."""

from collections.abc import Sequence
from functools import lru_cache

import phonenumbers
from phonenumbers import PhoneNumberType

from core.vocabulary import PhoneNumber

EVERYWHERE = "*"

# Satellites and other networks without a country (881, 882, 883, 870, 979 …) share this region.
_NOWHERE = "001"
# Nobody calls from these to be written to; whoever earns from messages sent there has keyed them in.
_NEVER = frozenset(
    {
        PhoneNumberType.PREMIUM_RATE,
        PhoneNumberType.SHARED_COST,
        PhoneNumberType.PERSONAL_NUMBER,
        PhoneNumberType.PAGER,
    }
)


@lru_cache(maxsize=4096)
def country_of(number: PhoneNumber) -> str | None:
    """ISO 3166 country; by its calling code where the numbering plan does not know the number."""
    try:
        parsed = phonenumbers.parse(number.e164)
    except phonenumbers.NumberParseException:
        return None
    region = phonenumbers.region_code_for_number(parsed)
    if region is None and parsed.country_code is not None:
        region = phonenumbers.region_code_for_country_code(parsed.country_code)
    return None if region in {None, "ZZ"} else region


def may_write_to(
    number: PhoneNumber, country: str | None, allowed: Sequence[str] | None, own: str
) -> bool:
    """To the line's own country, unless others are listed; to premium and satellite numbers never."""
    if country is None or country == _NOWHERE:
        return False
    if _costs_its_caller(number):
        return False
    listed = (own,) if allowed is None else allowed
    return EVERYWHERE in listed or country in listed


@lru_cache(maxsize=4096)
def _costs_its_caller(number: PhoneNumber) -> bool:
    return phonenumbers.number_type(phonenumbers.parse(number.e164)) in _NEVER
