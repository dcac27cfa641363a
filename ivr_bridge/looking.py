"""Looking at callers who ask at the same time, in one statement; counting their openings with it."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.ids import WorkspaceId
from core.postgres import Record
from core.together import Together
from core.vocabulary import PhoneNumber
from ivr_bridge import calls
from ivr_bridge.calls import Known
from ivr_bridge.guard import velocity
from ivr_bridge.guard.velocity import Counted, Counts, Subject
from ivr_bridge.opening import Wish
from ivr_bridge.readiness import Ready
from ivr_bridge.shared import COUNT_AND_LOOK, LOOK, SHARED, Shared, all_at_once
from messaging import openings
from messaging.channel import Account
from messaging.openings import Prospect

_KNOWN = len(Known.__dataclass_fields__)
_LOOKED, _COUNTED = SHARED.labels("look"), SHARED.labels("count_and_look")


@dataclass(frozen=True, slots=True)
class _Asking:
    """A caller to be looked at, and what one more opening to them counts against."""

    wish: Wish
    target: PhoneNumber
    account: Account
    subjects: Sequence[Subject] = ()

    def apart(self) -> Sequence[Hashable]:
        """Looking disturbs nobody; the same can be counted once in a statement."""
        return [(each.kind, each.subject) for each in self.subjects]


@dataclass(frozen=True, slots=True)
class Found:
    """What is known of a caller and of their number."""

    met: Known
    prospect: Prospect


class Looking:
    """Callers at whom nothing but looking is to be done."""

    def __init__(self, shared: Shared) -> None:
        self._database = shared.looking
        self._looking = Together(self._look_at_all, apart=_Asking.apart, hands=shared.hands)
        self._counting = Together(self._count_all, apart=_Asking.apart, hands=shared.hands)

    async def at(self, wish: Wish, ready: Ready, now: datetime) -> Found | None:
        """What there is to know of someone new to the call; None when the call is known, or more than
        looking is to be done: a rescue to call off, or a return to note.
        """
        if wish.caller.target is None:
            return None
        asking = _Asking(wish, wish.caller.target, ready.account)
        row = await self._looking.ask(wish.workspace_id, asking)
        found = None if row is None else _found(row, now)
        return None if found is None or found.met.known is not None else found

    async def counting(
        self, wish: Wish, ready: Ready, subjects: Sequence[Subject], now: datetime
    ) -> tuple[Counts | None, Found | None]:
        """One more opening counted, and what there is to know of its caller, whose call may be known
        but has no attempt. Without counts nothing was counted; what is not found takes the long way.
        """
        if wish.caller.target is None:
            return None, None
        asking = _Asking(wish, wish.caller.target, ready.account, subjects)
        row = await self._counting.ask(wish.workspace_id, asking)
        if row is None:
            return None, None
        found = _found(row, now)
        new = found is None or not (found.met.attempted or _someone_else(wish, found.met))
        return Counts(subjects, _counted(row)), found if new else None

    async def _look_at_all(
        self, workspace_id: WorkspaceId, group: Sequence[_Asking]
    ) -> Sequence[Record | None]:
        _LOOKED.observe(len(group))
        rows = await all_at_once(self._database, workspace_id, LOOK(**_asked(workspace_id, group)))
        return rows or [None] * len(group)

    async def _count_all(
        self, workspace_id: WorkspaceId, group: Sequence[_Asking]
    ) -> Sequence[Record | None]:
        _COUNTED.observe(len(group))
        subjects = [each.subjects for each in group]
        statement = COUNT_AND_LOOK(
            **_asked(workspace_id, group),
            counted={
                **velocity.to_take(workspace_id, subjects),
                "places": velocity.places_of(subjects),
            },
        )
        rows = await all_at_once(self._database, workspace_id, statement)
        return rows or [None] * len(group)


def _asked(workspace_id: WorkspaceId, group: Sequence[_Asking]) -> dict[str, Any]:
    return {
        "caller": calls.asked_about(workspace_id, [(each.wish, each.account) for each in group]),
        "person": openings.looked_up(workspace_id, [(each.target, each.account) for each in group]),
    }


def _found(row: Record, now: datetime) -> Found | None:
    met = Known(*list(row.values())[:_KNOWN])
    if met.called_again or met.rescued_contact is not None:
        return None
    return Found(met, openings.prospect(row, now))


def _counted(row: Record) -> Sequence[Counted]:
    told = (row["kinds"] or (), row["subjects"] or (), row["hours"] or (), row["days"] or ())
    return [Counted(*each) for each in zip(*told, strict=True)]


def _someone_else(wish: Wish, met: Known) -> bool:
    """Is the call known to be another caller's?"""
    return (
        None not in {wish.known_caller, met.known_caller} and wish.known_caller != met.known_caller
    )
