"""What may happen to a call, as a machine that Hypothesis drives, and what must be true throughout."""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from core.events import Events
from core.ids import ContactId, JobId, MessageId
from core.jobs import Job, Snooze
from core.postgres import Database
from core.sealing import Sealer
from core.vocabulary import ChannelKind
from core.wake import Signal
from ivr_bridge import aftermath, store
from ivr_bridge import race as racing
from ivr_bridge.aftermath import OPENING_FAILED, TEXTING_FAILED, Aftermath
from ivr_bridge.asking import wish_of
from ivr_bridge.beginning import begin
from ivr_bridge.documents import CallRequest
from ivr_bridge.evidence import Confirm
from ivr_bridge.lines import all_lines, put_line
from ivr_bridge.race import RESCUE_CHECK, Failed, Look, Race
from ivr_bridge.readiness import Readiness, Ready
from ivr_bridge.reading import Asked
from ivr_bridge.rescues.rescue import WROTE, AlreadyRescued, call_off
from ivr_bridge.terms import LineTerms
from ivr_bridge.timing import Budget
from ivr_bridge.ways.choosing import channels_for
from ivr_bridge.ways.second import begin_second
from messaging import openings, posting
from messaging.accounts import Accounts
from messaging.channel import Failure, FailureClass, ReportedStatus, StatusReport
from messaging.deliveries import apply_for
from messaging.openings import Opening
from messaging.posting import Letter, Lost, Outcome, Posted, Refused
from tests.conftest import make_workspace
from tests.ivr_bridge.furniture import furnish, line_draft
from tests.ivr_bridge.ivr import CALLER, LINE

TERMS = LineTerms.model_validate(
    {
        "channels": [{"channel": "whatsapp"}, {"channel": "sms", "text": {"ru": "Ответьте."}}],
        "rescue": {"by": "sms", "channel": "sms", "text": {"ru": "Чат: {link}"}},
    }
)
NOT_THERE = Failure(FailureClass.NOT_ON_CHANNEL, "131026")
OURS = Failure(FailureClass.ACCOUNT, "190")
outcomes = st.sampled_from(["posted", "refused", "lost"])
statuses = st.sampled_from([*ReportedStatus, ReportedStatus.FAILED])
any_one = st.integers(0, 9)
ENOUGH = {
    "delivered_now": {"delivered", "read"},
    "sent_quiet": {"sent", "delivered", "read"},
    "sent_known": {"sent", "delivered", "read"},
    "accepted_known": {"accepted", "sent", "delivered", "read"},
}
HUNG_UP = """
SELECT d.deflection_id, d.proof, d.decided_at, COALESCE(d.message_id, d.answers_for) AS message_id,
       d.confirm, m.failed_at, ARRAY(
           SELECT v.status FROM messaging.delivery AS v
            WHERE v.message_id = COALESCE(d.message_id, d.answers_for)
              AND v.recorded_at <= d.decided_at) AS known
  FROM ivr_bridge.deflection AS d
  JOIN messaging.message AS m ON m.message_id = COALESCE(d.message_id, d.answers_for)
 WHERE d.outcome = 'hangup'
"""
OPENED = """
SELECT a.kind, m.message_id, m.failed_at IS NOT NULL AS failed,
       (SELECT min(v.recorded_at) FROM messaging.delivery AS v
         WHERE v.message_id = m.message_id AND v.status = 'failed') AS failed_at,
       (SELECT min(v.recorded_at) FROM messaging.delivery AS v
         WHERE v.message_id = m.message_id AND v.status = 'sending') AS sending_at
  FROM messaging.message AS m JOIN messaging.account AS a USING (account_id)
 WHERE m.purpose = 'opening' ORDER BY sending_at
"""
RESCUED = """
SELECT (SELECT count(*) FROM ivr_bridge.rescue) AS rescues,
       (SELECT count(*) FROM ivr_bridge.rescue WHERE fell_back_at IS NOT NULL) AS fell_back,
       (SELECT count(*) FROM handoff.conversation WHERE kind = 'callback') AS callbacks,
       (SELECT count(*) FROM messaging.message WHERE client_key LIKE 'rescue:%') AS texts,
       (SELECT count(*) FROM ivr_bridge.deflection WHERE outcome = 'hangup') AS hangups,
       (SELECT count(*) FROM ivr_bridge.fact WHERE fact = 'caller_left') AS left_calls
"""


@dataclass
class OnTheWire:
    """An opening that left, and the race that waits for it."""

    race: Race
    opening: Opening
    outcome: str | None = None


class History(RuleBasedStateMachine):
    """One call, drawn at random."""

    runner: asyncio.Runner
    database: Database
    sealer = Sealer("a secret key of the tests, long enough")
    count = 0

    @initialize(
        confirm=st.sampled_from(list(Confirm)),
        grace=st.sampled_from([0, 0, 9000]),
        polls=st.booleans(),
    )
    def begins(self, confirm: Confirm, grace: int, polls: bool) -> None:
        self.sent: list[OnTheWire] = []
        self.races: list[Race] = []
        self.polls = polls
        self.do(self._begin(confirm, grace))

    async def _begin(self, confirm: Confirm, grace: int) -> None:
        History.count += 1
        self.workspace = await make_workspace(self.database, f"history-{History.count}")
        await furnish(self.database, self.workspace, self.sealer, "http://127.0.0.1:9")
        accounts = Accounts(self.database, self.sealer)
        self.readiness = Readiness(self.database, accounts)
        self.events = Events()
        aftermath.subscribe(self.events)
        self.after = Aftermath(self.database, self.now, "http://127.0.0.1")
        async with self.tx() as tx:
            await put_line(tx, line_draft(confirm=confirm, grace_ms=grace, terms=TERMS))
            (self.line,) = await all_lines(tx)

    def do(self, work: Any) -> Any:
        return self.runner.run(work)

    def tx(self) -> Any:
        return self.database.workspace(self.workspace)

    @staticmethod
    def now() -> datetime:
        return datetime.now(UTC)

    # -- the IVR -----------------------------------------------------------------------------------

    @rule(attempt=st.sampled_from([None, 1, 1, 2, 3]))
    def asks(self, attempt: int | None) -> None:
        self.do(self._ask(attempt))

    async def _ask(self, attempt: int | None) -> None:
        request = CallRequest(
            call_id="call-1", line=LINE, caller=CALLER, attempt=attempt, can_poll=self.polls
        )
        wish = wish_of(self.workspace, self.line, Asked(request, ()))
        choices = await channels_for(self.readiness, wish)
        budget = Budget.of_call(time.monotonic(), 12_000)
        async with self.tx() as tx:
            begun = await begin(tx, wish, choices, admitted=True, budget=budget, now=self.now())
        if begun.opening is not None and begun.attempt is not None:
            race = racing.of_attempt(
                self.workspace, begun.attempt, begun.opening.message_id, Signal(), None
            )
            self.races.append(race)
            self.sent.append(OnTheWire(race, begun.opening))
            return
        async with self.tx() as tx:
            row = await store.get(tx, begun.deflection_id)
            if row is not None and not row.decided and row.message_id is not None:
                reader = racing.of_row(self.workspace, row, row.message_id, Signal(), None)
                self.races.append(reader)

    @precondition(lambda self: self.races)
    @rule(which=any_one, how=st.sampled_from([Look.NOW, Look.NOW, Look.NOW, Look.LAST]))
    def somebody_looks(self, which: int, how: Look) -> None:
        self.do(self._look(self.races[which % len(self.races)], how))

    async def _look(self, race: Race, how: Look) -> None:
        async with self.tx() as tx:
            found = await racing.look(tx, race, how)
        if isinstance(found, Failed):
            await self._second(race)

    async def _second(self, race: Race) -> None:
        assert race.fallback is not None
        ready = await self._account(race.fallback["account"])
        async with self.tx() as tx:
            second = await begin_second(tx, race, ready, self.now())
        race.fallback = None
        if second is not None:
            self.races.append(second.race)
            self.sent.append(OnTheWire(second.race, second.opening))

    async def _account(self, name: str) -> Ready:
        found = await self.readiness.account(self.workspace, name, self.line.queue)
        assert found is not None
        return found

    @rule()
    def the_deadline_passes(self) -> None:
        self.do(self._expire())

    async def _expire(self) -> None:
        async with self.tx() as tx:
            await tx.execute(
                "UPDATE ivr_bridge.deflection SET pending_until = clock_timestamp() - interval '5 s'"
                " WHERE outcome = 'pending'"
            )
            overdue = await tx.fetch(*store.SQL["overdue"](workspace=self.workspace))
        for found in overdue:
            async with self.tx() as tx:
                row = await store.get(tx, found["deflection_id"])
                assert row is not None
                await aftermath._settle(tx, row)

    @rule()
    def the_caller_leaves(self) -> None:
        self.do(self._leave())

    async def _leave(self) -> None:
        async with self.tx() as tx:
            await tx.execute(
                "INSERT INTO ivr_bridge.fact (workspace_id, deflection_id, fact, at)"
                " SELECT workspace_id, deflection_id, 'caller_left', now() FROM ivr_bridge.deflection"
                " ON CONFLICT DO NOTHING"
            )
            rows = await tx.fetch("SELECT deflection_id FROM ivr_bridge.deflection")
        for row in rows:
            await self._job(self.after.check_rescue, {"deflection_id": str(row["deflection_id"])})

    # -- the providers -----------------------------------------------------------------------------

    @precondition(lambda self: any(each.outcome is None for each in self.sent))
    @rule(which=any_one, outcome=outcomes)
    def a_provider_answers(self, which: int, outcome: str) -> None:
        waiting = [each for each in self.sent if each.outcome is None]
        self.do(self._answer(waiting[which % len(waiting)], outcome))

    async def _answer(self, sent: OnTheWire, outcome: str) -> None:
        sent.outcome = outcome
        told = _told(outcome, f"p-{sent.opening.message_id}", NOT_THERE)
        async with self.tx() as tx:
            state = await openings.record(tx, self.events, sent.opening, told, self.now())
            found = await racing.settle(tx, sent.race, state, Look.NOW)
        if isinstance(found, Failed):
            await self._second(sent.race)

    @precondition(lambda self: self.sent)
    @rule(which=any_one, status=statuses, copies=st.integers(1, 2))
    def a_provider_reports(self, which: int, status: ReportedStatus, copies: int) -> None:
        self.do(self._report(self.sent[which % len(self.sent)].opening, status, copies))

    async def _report(self, opening: Opening, status: ReportedStatus, copies: int) -> None:
        failure = NOT_THERE if status is ReportedStatus.FAILED else None
        report = StatusReport(
            f"{status}:{opening.message_id}", status, self.now(), f"p-{opening.message_id}",
            opening.message_id, {}, failure,
        )  # fmt: skip
        letter = opening.letter
        for _ in range(copies):
            async with self.tx() as tx:
                await apply_for(tx, self.events, letter.account_id, letter.channel, [report])

    @rule(outcome=outcomes)
    def the_rescues_sms_is_answered(self, outcome: str) -> None:
        self.do(self._answer_text(outcome))

    async def _answer_text(self, outcome: str) -> None:
        async with self.tx() as tx:
            row = await tx.fetchrow(
                "UPDATE messaging.message SET status = 'sending', fence = 1, leased_until = now()"
                " + interval '20 s' WHERE status = 'queued' AND client_key LIKE 'rescue:%'"
                " RETURNING message_id, account_id"
            )
            if row is None:
                return
            told = _told(outcome, f"s-{row['message_id']}", OURS)
            letter = Letter(row["message_id"], row["account_id"], ChannelKind.SMS, 1)
            await posting.record(tx, self.events, letter, told, self.now())

    @rule(status=statuses)
    def the_rescues_sms_is_reported(self, status: ReportedStatus) -> None:
        self.do(self._report_text(status))

    async def _report_text(self, status: ReportedStatus) -> None:
        async with self.tx() as tx:
            row = await tx.fetchrow(
                "SELECT message_id, account_id, provider_id FROM messaging.message"
                " WHERE client_key LIKE 'rescue:%' AND provider_id IS NOT NULL"
            )
            if row is not None:
                failure = NOT_THERE if status is ReportedStatus.FAILED else None
                report = StatusReport(
                    "x", status, self.now(), row["provider_id"], MessageId(row["message_id"]), {},
                    failure,
                )  # fmt: skip
                await apply_for(tx, self.events, row["account_id"], ChannelKind.SMS, [report])

    # -- time and work -----------------------------------------------------------------------------

    @rule(kind=st.sampled_from([OPENING_FAILED, RESCUE_CHECK, TEXTING_FAILED]))
    def a_worker_works(self, kind: str) -> None:
        self.do(self._work(kind))

    async def _work(self, kind: str) -> None:
        handler = {
            OPENING_FAILED: self.after.opening_failed,
            RESCUE_CHECK: self.after.check_rescue,
            TEXTING_FAILED: self.after.texting_failed,
        }[kind]
        async with self.tx() as tx:
            found = await tx.fetch(
                "DELETE FROM core.job WHERE kind = $1 AND workspace_id = $2 RETURNING payload",
                kind,
                self.workspace,
            )
        for row in found:
            await self._job(handler, row["payload"])

    async def _job(self, handler: Any, payload: dict[str, Any]) -> None:
        try:
            async with self.tx() as tx:
                await handler(
                    tx,
                    Job(self.workspace, JobId(UUID(int=1)), "x", None, payload, 1, 1, self.now()),
                )
        except (Snooze, AlreadyRescued):
            pass

    @rule()
    def hours_pass(self) -> None:
        self.do(self._age())

    async def _age(self) -> None:
        async with self.tx() as tx:
            await tx.execute(
                "UPDATE ivr_bridge.deflection SET rescue_after_s = 1,"
                " created_at = created_at - interval '3 hours'"
            )
            rows = await tx.fetch(
                "SELECT deflection_id FROM ivr_bridge.deflection"
                " WHERE decided_at < clock_timestamp() - interval '1 s'"
            )
        for row in rows:
            await self._job(self.after.check_rescue, {"deflection_id": str(row["deflection_id"])})

    @rule()
    def the_customer_writes(self) -> None:
        self.do(self._write())

    async def _write(self) -> None:
        async with self.tx() as tx:
            contact = await tx.fetchval("SELECT contact_id FROM messaging.contact LIMIT 1")
            if contact is not None:
                await call_off(tx, ContactId(contact), WROTE)

    # -- what always holds -------------------------------------------------------------------------

    @invariant()
    def promises_are_kept(self) -> None:
        if hasattr(self, "line"):
            self.do(self._judge())

    async def _judge(self) -> None:
        async with self.tx() as tx:
            hung_up, opened = await tx.fetch(HUNG_UP), await tx.fetch(OPENED)
            rescued = await tx.fetchrow(RESCUED)
        for row in hung_up:
            assert ENOUGH[row["proof"]] & set(row["known"]), dict(row)
            if row["confirm"] == "delivered":
                assert row["proof"] == "delivered_now", dict(row)
            if row["proof"] != "delivered_now":
                # Not a word of failure had been committed when it was decided.
                assert "failed" not in row["known"], dict(row)
        by_channel = Counter(row["kind"] for row in opened)
        assert max(by_channel.values(), default=0) <= 1, by_channel
        assert len(opened) == len(self.sent), "what was written down is what left"
        if len(opened) > 1:
            first, second = opened
            assert first["failed"], "nothing follows what may still arrive"
            assert first["failed_at"] <= second["sending_at"]
        assert rescued["rescues"] <= 1
        assert rescued["texts"] <= 1
        assert rescued["callbacks"] <= 1
        both = rescued["texts"] + rescued["callbacks"]
        assert both == rescued["rescues"] + rescued["fell_back"], dict(rescued)
        if rescued["rescues"]:
            assert rescued["hangups"] or rescued["left_calls"], dict(rescued)


def _told(outcome: str, provider_id: str, failure: Failure) -> Outcome:
    match outcome:
        case "posted":
            return Posted(provider_id, {})
        case "refused":
            return Refused(failure)
        case _:
            return Lost()
