"""Public holidays by country, from the package that keeps up with them; read when a line first asks."""

from datetime import date
from functools import lru_cache

import structlog

log = structlog.get_logger()


@lru_cache(maxsize=512)
def holidays_of(country: str, subdivision: str | None, year: int) -> frozenset[date]:
    """The days of one year; none for a country that the package does not know (any more)."""
    from holidays import country_holidays

    try:
        return frozenset(country_holidays(country, subdiv=subdivision, years=year))
    except NotImplementedError:  # the package's own word for a place that it does not know
        # Refused when a policy is written; it can only be gone after an upgrade of the package.
        log.warning("holidays.unknown", country=country, subdivision=subdivision)
        return frozenset()


@lru_cache(maxsize=512)
def are_known(country: str, subdivision: str | None) -> bool:
    """Does the package know the holidays of this place?"""
    from holidays import country_holidays

    try:
        country_holidays(country, subdiv=subdivision)
    except NotImplementedError:  # see above
        return False
    return True


def near_years(today: date) -> tuple[int, int, int]:
    """This year and its neighbours: a late shift reaches back, a time zone reaches ahead."""
    return today.year - 1, today.year, today.year + 1
