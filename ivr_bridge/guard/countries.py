"""Which country a number belongs to, and whether a line may write there."""

from collections.abc import Sequence

import phonenumbers
from phonenumbers import PhoneNumberType

from core.vocabulary import PhoneNumber, plan_of

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


def country_of(number: PhoneNumber) -> str | None:
    """ISO 3166 country; by its calling code where the numbering plan does not know the number."""
    plan = plan_of(number)
    if plan is None:
        return None
    region = plan.region or phonenumbers.region_code_for_country_code(plan.country_code)
    return None if region in {None, "ZZ"} else region


def may_write_to(
    number: PhoneNumber, country: str | None, allowed: Sequence[str] | None, own: str
) -> bool:
    """To the line's own country, unless others are listed; to premium and satellite numbers never."""
    if country is None or country == _NOWHERE:
        return False
    plan = plan_of(number)
    if plan is None or plan.kind in _NEVER:
        return False
    listed = (own,) if allowed is None else allowed
    return EVERYWHERE in listed or country in listed
