"""Whether a person can take work: what they declared, whether their desk is connected, whether they
answer. Pure.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from core.ids import PersonId

MISSES = 2
"""So many reservations missed in a row, and nothing more is held out until they do something."""


class Declared(StrEnum):
    """What the operator says."""

    ONLINE = "online"
    BUSY = "busy"
    BREAK = "break"
    OFFLINE = "offline"


class Link(StrEnum):
    """What their desk's connection says."""

    CONNECTED = "connected"
    GRACE = "grace"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Presence:
    """One operator as they stand."""

    operator_id: PersonId
    declared: str
    reason: str | None
    link: str
    not_responding: bool
    misses: int
    load: int
    capacity: int
    since: datetime
    grace_until: datetime | None

    @property
    def routable(self) -> bool:
        """Can something be held out to them?"""
        return self.available and self.load < self.capacity

    @property
    def available(self) -> bool:
        """Do they work now, with or without a free hand?"""
        return (
            self.declared == Declared.ONLINE
            and self.link == Link.CONNECTED
            and not self.not_responding
        )

    @property
    def absent(self) -> bool:
        """Gone, so that nobody should wait for them."""
        if self.link == Link.CONNECTED:
            return False
        return self.link == Link.LOST or self.declared == Declared.OFFLINE


def declared(before: Presence, wanted: Declared, reason: str | None) -> Presence:
    """What they say now; saying anything shows that they are there."""
    kept = reason if wanted is Declared.BREAK else None
    return acted(replace(before, declared=wanted.value, reason=kept))


def linked(before: Presence) -> Presence:
    """A desk of theirs is connected."""
    return replace(before, link=Link.CONNECTED.value, grace_until=None)


def cut_off(before: Presence, grace_until: datetime) -> Presence:
    """Their last desk went: what they hold waits for them until the grace is over."""
    if before.link != Link.CONNECTED:
        return before
    return replace(before, link=Link.GRACE.value, grace_until=grace_until)


def given_up(before: Presence, at: datetime) -> Presence:
    """They did not come back in time, if this is that time."""
    if before.grace_until is None or before.grace_until > at:
        return before
    return replace(before, link=Link.LOST.value, grace_until=None)


def missed(before: Presence) -> Presence:
    """They let a reservation run out."""
    misses = before.misses + 1
    return replace(before, misses=misses, not_responding=misses >= MISSES)


def acted(before: Presence) -> Presence:
    """They did something, so they are there."""
    return replace(before, misses=0, not_responding=False)


def another_interval(before: Presence, after: Presence) -> bool:
    """Does a new interval begin?"""
    return (before.declared, before.reason, before.link, before.not_responding) != (
        after.declared,
        after.reason,
        after.link,
        after.not_responding,
    )
