"""Looking at callers who ask at the same time, in one statement."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from datetime import datetime

from core.ids import WorkspaceId
from core.postgres import Database, Record
from core.together import Together
from core.vocabulary import PhoneNumber
from ivr_bridge import calls
from ivr_bridge.calls import Known
from ivr_bridge.opening import Wish
from ivr_bridge.readiness import Ready
from ivr_bridge.shared import LOOK, SHARED, all_at_once
from messaging import openings
from messaging.channel import Account
from messaging.openings import Prospect

_KNOWN = len(Known.__dataclass_fields__)


@dataclass(frozen=True, slots=True)
class _Asking:
    """A caller to be looked at."""

    wish: Wish
    target: PhoneNumber
    account: Account

    def apart(self) -> tuple[Hashable, ...]:
        """Looking disturbs nobody."""
        return ()


@dataclass(frozen=True, slots=True)
class Found:
    """What is known of a caller and of their number."""

    met: Known
    prospect: Prospect


class Looking:
    """Callers at whom nothing but looking is to be done: new to the call, and not here before."""

    def __init__(self, shared: Database) -> None:
        self._shared = shared
        self._looking = Together(self._look_at_all, apart=_Asking.apart)

    async def at(self, wish: Wish, ready: Ready, now: datetime) -> Found | None:
        """What there is to know; None when the call is known, or more than looking is to be done: a
        rescue to call off, or a return to note.
        """
        target = wish.caller.target
        if target is None:
            return None
        row = await self._looking.ask(wish.workspace_id, _Asking(wish, target, ready.account))
        if row is None:
            return None
        met = Known(*list(row.values())[:_KNOWN])
        if met.known is not None or met.called_again or met.rescued_contact is not None:
            return None
        return Found(met, openings.prospect(row, now))

    async def _look_at_all(
        self, workspace_id: WorkspaceId, group: Sequence[_Asking]
    ) -> Sequence[Record | None]:
        SHARED.labels("look").observe(len(group))
        statement = LOOK(
            caller=calls.asked_about(workspace_id, [(each.wish, each.account) for each in group]),
            person=openings.looked_up(
                workspace_id, [(each.target, each.account) for each in group]
            ),
        )
        rows = await all_at_once(self._shared, workspace_id, statement)
        return rows or [None] * len(group)
