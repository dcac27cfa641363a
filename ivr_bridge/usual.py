"""The usual call in three round trips: count and look, write everything down, record and decide.

Nearly every caller's call has no attempt yet, they may be written to, and have no chat open. For them
each transaction of the deadline race is one statement, and callers who arrive together share it.
Whatever else there is to meet (a request that repeats, a chat to resume, a rescue to call off, a report
that came before the answer) is left out by the statement, or is seen before it, and takes the long way
through `beginning` and `race`, which know every case. The two ways write the same rows.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from core.ids import CallRef, ConversationId, LineId, WorkspaceId, new_id
from core.jobs.store import enqueued
from core.together import Together
from handoff.conversation.opening import invitation_over, to_invite
from ivr_bridge import calls, store
from ivr_bridge.answer import Answer
from ivr_bridge.beginning import Begun, Planned, Setting, circumstances, not_now, plan
from ivr_bridge.evidence import HangUp, Proof, Rank, Seen, verdict
from ivr_bridge.looking import Found
from ivr_bridge.opening import Wish
from ivr_bridge.outcome import Action, Outcome, Reason
from ivr_bridge.policy import HARD, rule
from ivr_bridge.race import Race, rescue_check, too_late
from ivr_bridge.readiness import Ready
from ivr_bridge.shared import HANG_UP, OPEN, SHARED, Shared, all_at_once
from ivr_bridge.store import Decision
from ivr_bridge.timing import Budget
from messaging import openings, posting
from messaging.delivery import Status
from messaging.openings import Opening
from messaging.posting import Posted, Taken

log = structlog.get_logger()

_OPENED, _HUNG_UP = SHARED.labels("open"), SHARED.labels("hang_up")


@dataclass(frozen=True, slots=True)
class _Wanted:
    """An opening that is planned, and the chat that is to stand behind it."""

    setting: Setting
    planned: Planned
    chat_id: ConversationId

    def apart(self) -> tuple[Hashable, ...]:
        """One statement can take neither the same call nor the same number twice."""
        wish = self.setting.wish
        return (wish.line.line_id, wish.call_id), wish.target


@dataclass(frozen=True, slots=True)
class _Won:
    """A letter that was taken, and the hang-up it proves."""

    race: Race
    taken: Taken
    proof: Proof

    def apart(self) -> tuple[Hashable, ...]:
        """Each message has one answer."""
        return (self.race.message_id,)

    def answer(self) -> Answer:
        """What the IVR is told once this is committed."""
        return self.race.decided(Action.HANGUP, Reason.OK, self.proof, Status.ACCEPTED.value)


def setting_of(
    wish: Wish, ready: Ready, found: Found, *, admitted: bool, budget: Budget, now: datetime
) -> Setting:
    """What was found of a caller whose call has no attempt yet, ready to be decided about."""
    call_ref = found.met.known or CallRef(new_id())
    return Setting(wish, ready, found.met, call_ref, found.prospect, (), admitted, budget, now)


class Usual:
    """The statements, over the connections that callers share."""

    def __init__(self, shared: Shared) -> None:
        """`shared` gives up soon on a row that somebody holds: the others of the group wait with it."""
        self._shared = shared
        self._beginning: set[tuple[WorkspaceId, LineId, str]] = set()
        self._opening = Together(self._open_all, apart=_Wanted.apart, hands=shared.hands)
        self._hanging_up = Together(self._hang_up_all, apart=_Won.apart, hands=shared.hands)

    async def begin(self, setting: Setting, ready: Ready) -> Begun | None:
        """The attempt, begun and committed; None when this is no usual call."""
        wish = setting.wish
        which = (wish.workspace_id, wish.line.line_id, wish.call_id)
        # Of several requests about one call one is new, and the others would only be left out.
        if setting.met.conversation_open or which in self._beginning:
            return None
        self._beginning.add(which)
        try:
            return await self._open(setting, ready)
        finally:
            self._beginning.discard(which)

    async def hang_up(
        self, race: Race, opening: Opening, posted: Posted, at: datetime
    ) -> Answer | None:
        """The provider's answer and the hang-up it proves, committed; None when it proves none, or
        more is to be heeded.
        """
        found = verdict(
            race.confirm,
            Seen(Rank.ACCEPTED),
            positive=race.positive,
            grace_ms=race.grace_ms,
            last_look=False,
        )
        if not isinstance(found, HangUp) or too_late(race):
            return None
        won = _Won(race, Taken(opening.letter, posted, at), found.proof)
        return await self._hanging_up.ask(race.workspace_id, won)

    async def _open(self, setting: Setting, ready: Ready) -> Begun | None:
        wish = setting.wish
        met, found, budget = setting.met, setting.prospect, setting.budget
        seen = circumstances(wish, ready, met, found, budget, asked=True)
        ruling = rule(HARD, seen, wish.line.terms.policy)
        if ruling.refused or not_now(setting):
            return None
        number, chat_id = store.which_attempt(wish.request.attempt, ()), ConversationId(new_id())
        planned = plan(setting, ready, number, ruling, chat_id=chat_id)
        return await self._opening.ask(wish.workspace_id, _Wanted(setting, planned, chat_id))

    async def _open_all(
        self, workspace_id: WorkspaceId, group: Sequence[_Wanted]
    ) -> Sequence[Begun | None]:
        _OPENED.observe(len(group))
        drafts = [each.planned.draft for each in group]
        attempts = [each.planned.attempt for each in group]
        statement = OPEN(
            call=calls.to_make(
                workspace_id, [(each.setting.call_ref, each.setting.wish) for each in group]
            ),
            reach=openings.to_reach(workspace_id, drafts),
            chat=to_invite(
                workspace_id, [(each.chat_id, each.planned.invitation) for each in group]
            ),
            message=openings.to_say(workspace_id, drafts),
            jobs=enqueued(workspace_id, [invitation_over(each.chat_id) for each in group]),
            attempt=store.to_add(workspace_id, attempts),
        )
        rows = await all_at_once(self._shared.opening, workspace_id, statement)
        self._shared.opening.wake(f"desk:{workspace_id}")
        begun: list[Begun | None] = [None] * len(group)
        for row in rows:
            place = row["place"] - 1
            opening = openings.prepared(drafts[place], row)
            attempt = attempts[place]
            if attempt.contact_id != opening.contact_id:
                attempt = replace(attempt, contact_id=opening.contact_id)
            begun[place] = Begun(attempt.deflection_id, attempt=attempt, opening=opening)
        return begun

    async def _hang_up_all(
        self, workspace_id: WorkspaceId, group: Sequence[_Won]
    ) -> Sequence[Answer | None]:
        _HUNG_UP.observe(len(group))
        races = [each.race for each in group]
        statement = HANG_UP(
            letter=posting.to_record_plainly(workspace_id, [each.taken for each in group]),
            decision=store.to_decide(
                workspace_id,
                [
                    Decision(
                        each.race.deflection_id,
                        Outcome.HANGUP,
                        Reason.OK,
                        each.proof,
                        each.race.by,
                    )
                    for each in group
                ],
            ),
            rescue=enqueued(
                workspace_id,
                [rescue_check(race.deflection_id, race.rescue_after_s) for race in races],
            ),
        )
        rows = await all_at_once(self._shared.hanging_up, workspace_id, statement)
        made = {row["deflection_id"] for row in rows}
        for each in group:
            if each.race.deflection_id in made:
                # Before anybody is woken: whoever wakes without an answer looks for one.
                each.race.answer = each.answer()
        self._shared.hanging_up.wake(
            f"desk:{workspace_id}",
            *[f"message:{race.message_id}" for race in races if race.answer is not None],
        )
        return [race.answer for race in races]
