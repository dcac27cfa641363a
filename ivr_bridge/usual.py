"""The usual call in three round trips: look, write everything down, record and decide.

Nearly every caller is new to the call, may be written to, and has no chat open. For them each
transaction of the deadline race is one statement. Whatever else there is to meet (a request that
repeats, a chat to resume, a rescue to call off, a report that came before the answer) undoes the
statement, or is seen before it, and takes the long way through `beginning` and `race`, which know
every case. The two ways write the same rows.
"""

from dataclasses import replace
from datetime import datetime

from core.ids import CallRef, ConversationId, LineId, WorkspaceId, new_id
from core.jobs.store import SQL as JOBS
from core.jobs.store import enqueued
from core.postgres import Database, Undone
from core.weaving import Strand, Woven
from handoff.conversation.opening import invitation_over, to_invite
from handoff.conversation.store import SQL as CHATS
from ivr_bridge import calls, store
from ivr_bridge.answer import Answer
from ivr_bridge.beginning import Begun, Setting, circumstances, not_now, plan
from ivr_bridge.calls import Known
from ivr_bridge.evidence import HangUp, Rank, Seen, verdict
from ivr_bridge.opening import Wish
from ivr_bridge.outcome import Action, Outcome, Reason
from ivr_bridge.policy import HARD, rule
from ivr_bridge.race import Race, rescue_check, too_late
from ivr_bridge.readiness import Ready
from ivr_bridge.timing import Budget
from messaging import openings, posting
from messaging.delivery import Status
from messaging.openings import Opening
from messaging.posting import Posted

_LOOK = Woven(
    "SELECT caller.*, person.* FROM caller, person",
    caller=Strand(calls.SQL["know_caller"]),
    person=Strand(openings.SQL["look_up"]),
)
_KNOWN = len(Known.__dataclass_fields__)

# The attempt cannot stand without the call being new and the chat being born: both columns must hold
# something, so without either nothing at all is kept.
_OPEN = Woven(
    "SELECT contact_id, address_id, thread_id FROM opening",
    call=Strand(calls.SQL["make_call"]),
    opening=Strand(openings.SQL["prepare"]),
    chat=Strand(
        CHATS["begin"],
        contact="(SELECT contact_id FROM opening)",
        thread="(SELECT thread_id FROM opening)",
    ),
    jobs=Strand(JOBS["enqueue"]),
    attempt=Strand(
        store.SQL["add"],
        call_ref="(SELECT call_ref FROM call)",
        contact="(SELECT contact_id FROM opening)",
        attempt="(SELECT {}::integer FROM chat)",
    ),
)

# The message's row is locked first, as everywhere: the decision is looked for by what its update
# returned. A failure that committed before is in it, and leaves no decision; without a decision the
# rescue's job has no band, and nothing is kept.
_HANG_UP = Woven(
    "SELECT status FROM letter",
    letter=Strand(posting.SQL["record_accepted"]),
    decision=Strand(
        store.SQL["decide"],
        deflection="(SELECT {}::uuid FROM letter WHERE status = 'accepted' AND failed_at IS NULL"
        " AND kept IS NULL AND NOT watch)",
    ),
    rescue=Strand(JOBS["enqueue"], bands="(SELECT {}::text[] FROM decision)"),
)


class Usual:
    """Both statements, over one database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._beginning: set[tuple[WorkspaceId, LineId, str]] = set()

    async def begin(
        self, wish: Wish, ready: Ready | None, *, admitted: bool, budget: Budget, now: datetime
    ) -> Begun | None:
        """The attempt, begun and committed; None when this is no usual call: nothing was written."""
        which = (wish.workspace_id, wish.line.line_id, wish.call_id)
        # Of several requests about one call one is new, and the others would only be undone.
        if ready is None or which in self._beginning:
            return None
        self._beginning.add(which)
        try:
            setting = await self._look(wish, ready, admitted=admitted, budget=budget, now=now)
            return None if setting is None else await self._open(setting, ready)
        finally:
            self._beginning.discard(which)

    async def hang_up(
        self, race: Race, opening: Opening, posted: Posted, at: datetime
    ) -> Answer | None:
        """The provider's answer and the hang-up it proves, committed; None when it proves none, or
        more is to be heeded: nothing was written then.
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
        workspace_id, deflection_id = race.workspace_id, race.deflection_id
        statement = _HANG_UP(
            letter=posting.accepted(workspace_id, opening.letter, posted, at),
            decision=store.to_decide(
                workspace_id, deflection_id, Outcome.HANGUP, Reason.OK, found.proof, race.by
            ),
            rescue=enqueued(workspace_id, [rescue_check(deflection_id, race.rescue_after_s)]),
        )
        wakes = [f"message:{race.message_id}", f"desk:{workspace_id}"]
        try:
            await self._database.alone(workspace_id, *statement, wakes=wakes)
        except Undone:
            return None
        return race.decided(Action.HANGUP, Reason.OK, found.proof, Status.ACCEPTED.value)

    async def _look(
        self, wish: Wish, ready: Ready, *, admitted: bool, budget: Budget, now: datetime
    ) -> Setting | None:
        target = wish.caller.target
        if target is None:
            return None
        workspace_id, account = wish.workspace_id, ready.account
        statement = _LOOK(
            caller=calls.asked_about(workspace_id, wish, account),
            person=openings.looked_up(workspace_id, target, account),
        )
        row = await self._database.alone(workspace_id, *statement)
        assert row is not None, "the statement always answers one row"  # noqa: S101 - its own promise
        known = Known(*list(row.values())[:_KNOWN])
        if known.known is not None or known.conversation_open or known.rescued_contact is not None:
            return None
        found = openings.prospect(row, now)
        return Setting(wish, ready, known, CallRef(new_id()), found, (), admitted, budget, now)

    async def _open(self, setting: Setting, ready: Ready) -> Begun | None:
        wish = setting.wish
        seen = circumstances(wish, ready, setting.met, setting.prospect, asked=True)
        ruling = rule(HARD, seen, wish.line.terms.policy)
        if ruling.refused or not_now(setting):
            return None
        planned = plan(setting, ready, store.which_attempt(wish.request.attempt, ()), ruling)
        workspace_id, chat_id = wish.workspace_id, ConversationId(new_id())
        attempt = replace(planned.attempt, conversation_id=chat_id)
        statement = _OPEN(
            call=calls.to_make(workspace_id, wish, setting.call_ref),
            opening=openings.to_prepare(workspace_id, planned.draft),
            chat=to_invite(workspace_id, planned.invitation, chat_id),
            jobs=enqueued(workspace_id, [invitation_over(chat_id)]),
            attempt=store.to_add(workspace_id, attempt),
        )
        try:
            row = await self._database.alone(
                workspace_id, *statement, wakes=[f"desk:{workspace_id}"]
            )
        except Undone:
            return None
        assert row is not None, "an attempt stands only with its opening"  # noqa: S101
        opening = openings.prepared(planned.draft, row)
        attempt = replace(attempt, contact_id=opening.contact_id)
        return Begun(attempt.deflection_id, attempt=attempt, opening=opening)
