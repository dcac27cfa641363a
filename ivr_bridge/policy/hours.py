"""When a line offers a chat, by the clock on its own wall.

Wall-clock times are compared with wall-clock times: on the night the clocks change, nine o'clock is
still nine o'clock, an hour that does not exist is never open, and one that comes twice is open twice.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import cached_property
from itertools import pairwise
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from ivr_bridge.policy.holidays import holidays_of

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SPAN = re.compile(r"^(\d\d):(\d\d)-(\d\d):(\d\d)$")
_DAY_MINUTES = 24 * 60

Minutes = tuple[int, int]
"""From and until, in minutes after midnight; `until` lies beyond 1,440 where a span passes midnight."""


def _listed(value: object) -> object:
    """One span may stand alone."""
    return [value] if isinstance(value, str) else value


def _span(text: str) -> Minutes:
    found = _SPAN.match(text)
    if found is None:
        raise PydanticCustomError(
            "hours_unreadable",
            "'{text}' is no span of hours; write it as 09:00-18:00",
            {"text": text},
        )
    begin_h, begin_m, end_h, end_m = (int(part) for part in found.groups())
    begin, end = begin_h * 60 + begin_m, end_h * 60 + end_m
    if begin_m > 59 or end_m > 59 or begin >= _DAY_MINUTES or end > _DAY_MINUTES:  # noqa: PLR2004
        raise PydanticCustomError(
            "hours_beyond_day", "'{text}': a day goes from 00:00 to 24:00", {"text": text}
        )
    if begin == end:
        raise PydanticCustomError(
            "hours_empty",
            "'{text}' is no time at all; the whole day is 00:00-24:00",
            {"text": text},
        )
    return begin, end if end > begin else end + _DAY_MINUTES


def _checked(spans: Sequence[str]) -> Sequence[str]:
    order = sorted(_span(text) for text in spans)
    for (_, until), (begin, _) in pairwise(order):
        if begin < until:
            raise PydanticCustomError(
                "hours_overlap", "{spans}: these hours overlap", {"spans": ", ".join(spans)}
            )
    return spans


Spans = Annotated[tuple[str, ...], BeforeValidator(_listed), Field(max_length=10)]


def _days(text: str) -> list[int]:
    """`mon`, `mon-fri`, `sat-mon`."""
    begin, dash, end = text.partition("-")
    if begin not in _DAYS or (dash and end not in _DAYS):
        raise PydanticCustomError(
            "day_unknown", "'{text}' is no day; write mon, tue … sun or mon-fri", {"text": text}
        )
    first = _DAYS.index(begin)
    count = (_DAYS.index(end) - first) % 7 + 1 if dash else 1
    return [(first + step) % 7 for step in range(count)]


class Holidays(BaseModel):
    """Public holidays on which the line is closed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    country: str = Field(pattern=r"^[A-Z]{2}$")
    subdivision: str | None = Field(None, min_length=1, max_length=20)


class Hours(BaseModel):
    """Weekly hours in the workspace's time zone; single dates stand above holidays, these above the week."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    week: Mapping[str, Spans] = Field(min_length=1)
    """By day or days: `mon-fri: 09:00-21:00`; a day that is not named is closed."""
    dates: Mapping[date, Spans] = Field(default_factory=dict, max_length=1000)
    """One date's own hours, or `[]` for none."""
    holidays: Holidays | None = None

    @field_validator("week", "dates")
    @classmethod
    def _are_spans(cls, spans: Mapping[Any, Spans]) -> Mapping[Any, Spans]:
        for each in spans.values():
            _checked(each)
        return spans

    @model_validator(mode="after")
    def _name_each_day_once(self) -> Self:
        days = [day for text in self.week for day in _days(text)]
        twice = {_DAYS[day] for day in days if days.count(day) > 1}
        if twice:
            raise PydanticCustomError(
                "days_twice", "{days} stands twice", {"days": ", ".join(sorted(twice))}
            )
        return self

    @cached_property
    def _by_weekday(self) -> Mapping[int, Sequence[Minutes]]:
        return {
            day: [_span(text) for text in spans]
            for days, spans in self.week.items()
            for day in _days(days)
        }

    @cached_property
    def _by_date(self) -> Mapping[date, Sequence[Minutes]]:
        return {day: [_span(text) for text in spans] for day, spans in self.dates.items()}

    def open_at(self, local: datetime) -> bool:
        """Is the line open at this moment of its own wall clock?"""
        minute = local.hour * 60 + local.minute
        today = local.date()
        if any(begin <= minute < until for begin, until in self._of(today)):
            return True
        # Yesterday's late shift may reach into today.
        minute += _DAY_MINUTES
        return any(minute < until for _, until in self._of(today - timedelta(days=1)))

    def is_holiday(self, day: date) -> bool:
        """Is it a public holiday that no date of the line's own stands above?"""
        if self.holidays is None or day in self.dates:
            return False
        return day in holidays_of(self.holidays.country, self.holidays.subdivision, day.year)

    def _of(self, day: date) -> Sequence[Minutes]:
        own = self._by_date.get(day)
        if own is not None:
            return own
        return () if self.is_holiday(day) else self._by_weekday.get(day.weekday(), ())
