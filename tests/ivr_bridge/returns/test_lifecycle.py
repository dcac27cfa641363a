"""Whatever customer, operator, dialler and clock do, in whatever order: a promised call is owed once,
stands until somebody has called or nobody needs to, and ends for good."""

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from hypothesis.stateful import run_state_machine_as_test as run

from core.faults import Refused
from core.ids import CallRef, ReservationId, new_id
from core.jobs import enqueue
from core.outgoing import EndpointDraft, put_endpoints
from core.outgoing.deliveries import TAKEN
from core.postgres import Database, open_database
from core.sealing import Sealer
from handoff.conversation.model import CALL
from ivr_bridge.again import Again, called_again
from ivr_bridge.line import Consent, LineDraft, OpeningUse
from ivr_bridge.lines import put_line
from ivr_bridge.news import News
from ivr_bridge.returns import following, returns, store, words
from ivr_bridge.returns.following import Following
from ivr_bridge.returns.store import AskedBy, State
from ivr_bridge.returns.terms import Mode, ReturnTerms
from ivr_bridge.terms import LineTerms
from tests.conftest import SettableClock, make_workspace
from tests.fakes.crm import SECRET
from tests.handoff.conftest import House, make_house, owned

CALLER = "+79161234567"
RETURNS = "SELECT * FROM ivr_bridge.voice_return ORDER BY return_id"
CALL_BACKS = "SELECT * FROM handoff.conversation WHERE kind = 'callback' ORDER BY conversation_id"
OPEN = ("requested", "told")


class Contact(RuleBasedStateMachine):
    """One customer, one operator, one dialler."""

    runner: asyncio.Runner
    database: Database
    url: str
    names = iter(range(10_000))

    @initialize(mode=st.sampled_from(Mode), asked=st.booleans())
    def begin(self, mode: Mode, asked: bool) -> None:
        self.settled: dict[Any, tuple[str, str]] = {}
        self.calls = 0
        self.runner.run(self._furnish(mode))
        if asked:
            self.runner.run(self._asks())

    async def _furnish(self, mode: Mode) -> None:
        workspace_id = await make_workspace(self.database, f"w{next(self.names)}")
        self.owner = await owned(self.url, workspace_id)
        self.house: House = await make_house(
            self.database, workspace_id, SettableClock(), self.owner
        )
        events = self.house.published.events
        following.subscribe(events)
        for room in (
            Following(self.database, events, self.house.clock),
            Again(self.database, self.house.clock),
        ):
            for kinds in room.handlers().values():
                self.house.handlers.update(kinds)
        terms = ReturnTerms(webhook="dialler", promise_s=60, mode=mode, tries=2, again_after_s=60)
        async with self.database.workspace(workspace_id) as tx:
            draft = EndpointDraft("dialler", "http://127.0.0.1:1/", [], SECRET, private=True)
            await put_endpoints(tx, Sealer("a secret key of the tests, long enough"), [draft])
            self.line_id = await put_line(
                tx,
                LineDraft(
                    name="main",
                    title="Toyshop",
                    numbers=["+78002500000"],
                    country="RU",
                    account="whatsapp",
                    flow="support",
                    queue="support",
                    opening={"en": OpeningUse("call_to_chat")},
                    consent=Consent("dtmf", "wa-1", ""),
                    terms=LineTerms(return_to_voice=terms),
                ),
            )
        self.olga = await self.house.at_work("olga")
        await self._moves_to_chat()

    # -- what people do --------------------------------------------------------------------------

    @rule()
    def calls_and_moves_to_chat(self) -> None:
        self.runner.run(self._moves_to_chat())

    @rule()
    def calls_again(self) -> None:
        self.runner.run(self._calls_again())

    @rule(text=st.sampled_from(["operator", "ok, waiting"]))
    def writes(self, text: str) -> None:
        self.runner.run(self.house.wrote(text))

    @rule(choice=st.sampled_from([words.CALL_ME, words.STAY]))
    def taps(self, choice: str) -> None:
        self.runner.run(self.house.tapped(choice))

    @rule(seconds=st.sampled_from([2, 20, 70]))
    def time_passes(self, seconds: int) -> None:
        self.runner.run(self.house.timeline.advance(seconds))

    @rule()
    def somebody_asks(self) -> None:
        self.runner.run(self._asks())

    @rule(answered=st.booleans())
    def olga_takes_what_is_held_out_and_calls(self, answered: bool) -> None:
        self.runner.run(self._works(answered))

    @rule()
    def the_dialler_takes_the_news(self) -> None:
        self.runner.run(self._takes())

    @rule(how=st.sampled_from(["called", "no_answer", "called_off"]))
    def the_dialler_reports(self, how: str) -> None:
        self.runner.run(self._reports(how))

    # -- what always holds -----------------------------------------------------------------------

    @invariant()
    def a_call_is_owed_once_and_stands_until_it_is_over(self) -> None:
        if hasattr(self, "house"):
            self.runner.run(self._check())

    async def _check(self) -> None:
        await self.house.timeline.settle()
        found = [dict(row) for row in await self.owner.fetch(RETURNS)]
        backs = {row["conversation_id"]: row for row in await self.owner.fetch(CALL_BACKS)}
        open_returns = [one for one in found if one["state"] in OPEN]
        open_backs = [one for one in backs.values() if one["closed_at"] is None]
        assert len(open_returns) <= 1
        assert len(open_backs) <= 1
        for one in open_returns:
            assert backs[one["callback_id"]]["closed_at"] is None, "owed, and nobody to call"
        owed = {one["callback_id"] for one in open_returns}
        for back in open_backs:
            in_hands = back["state"] in {"active", "wrapup"}
            assert back["conversation_id"] in owed or in_hands, "nobody needs this call"
        for one in found:
            if one["settled_at"] is not None:
                end = (one["state"], one["settled_reason"])
                assert self.settled.setdefault(one["return_id"], end) == end
        await self._check_news(found)

    async def _check_news(self, found: list[dict[str, Any]]) -> None:
        rows = await self.owner.fetch("SELECT type, event_key FROM core.webhook_delivery")
        keys = [row["event_key"] for row in rows]
        asked = [key for key in keys if key.startswith(f"{News.RETURN_TO_VOICE}:")]
        assert sorted(asked) == sorted(
            f"{News.RETURN_TO_VOICE}:{one['return_id']}" for one in found
        )
        ends = [key for key in keys if key.endswith((":called:", ":called_off:"))]
        assert len(ends) == sum(one["settled_at"] is not None for one in found)

    async def teardown_house(self) -> None:
        await self.owner.close()

    def teardown(self) -> None:
        if hasattr(self, "owner"):
            self.runner.run(self.teardown_house())

    # -- how -------------------------------------------------------------------------------------

    async def _call(self) -> CallRef:
        self.calls += 1
        call_ref = CallRef(new_id())
        await self.owner.execute(
            "INSERT INTO ivr_bridge.call (workspace_id, call_ref, line_id, call_id, caller)"
            " VALUES ($1, $2, $3, $4, $5)",
            self.house.workspace_id,
            call_ref,
            self.line_id,
            f"call-{self.calls}",
            CALLER,
        )
        return call_ref

    async def _moves_to_chat(self) -> None:
        """A call that led to an opening, which the customer answers by asking for a person."""
        call_ref, deflection_id = await self._call(), new_id()
        await self.owner.execute(
            "INSERT INTO ivr_bridge.deflection (workspace_id, deflection_id, call_ref, line_id,"
            " attempt, pending_until, confirm, grace_ms, answers_for, outcome, reason, proof,"
            " decided_at, decided_by, contact_id)"
            " VALUES ($1, $2, $3, $4, 1, now(), 'sent', 0, $5, 'hangup', 'ok', 'delivered_now',"
            " now(), 'race', $6)",
            self.house.workspace_id,
            deflection_id,
            call_ref,
            self.line_id,
            new_id(),
            self.house.contact_id,
        )
        card = {"call_id": f"call-{self.calls}", "return_to_voice": True}
        await self.house.invited(origin=deflection_id, card=card)
        await self.house.wrote("operator")
        await self.house.timeline.advance(2)

    async def _calls_again(self) -> None:
        call_ref = await self._call()
        async with self.database.workspace(self.house.workspace_id) as tx:
            await enqueue(tx, called_again(call_ref))

    async def _asks(self) -> None:
        chat = await self.house.latest()
        try:
            async with self.database.workspace(self.house.workspace_id) as tx:
                await returns.request(
                    tx,
                    self.house.published.events,
                    chat.conversation_id,
                    asked_by=AskedBy.IVR,
                    by=CALL,
                    at=self.house.clock(),
                )
        except Refused:
            return

    async def _works(self, answered: bool) -> None:
        for held_out in await self.house.offered(self.olga):
            await self.house.conversations.accept(
                self.house.workspace_id, ReservationId(held_out.reservation_id), by=self.olga
            )
        rows = await self.owner.fetch(
            "SELECT conversation_id, epoch FROM handoff.conversation"
            " WHERE kind = 'callback' AND state = 'active' AND operator_id = $1",
            self.olga,
        )
        for row in rows:
            await self.house.conversations.called(
                self.house.workspace_id,
                row["conversation_id"],
                by=self.olga,
                epoch=row["epoch"],
                answered=answered,
            )

    async def _takes(self) -> None:
        rows = await self.owner.fetch(RETURNS)
        facts: list[Mapping[str, Any]] = [
            {
                "type": News.RETURN_TO_VOICE.value,
                "key": f"{News.RETURN_TO_VOICE}:{row['return_id']}",
                "endpoint": "dialler",
            }
            for row in rows
        ]
        async with self.database.workspace(self.house.workspace_id) as tx:
            await self.house.published.events.publish_many(tx, TAKEN, facts)

    async def _reports(self, how: str) -> None:
        for row in await self.owner.fetch(RETURNS):
            async with self.database.workspace(self.house.workspace_id) as tx:
                now = self.house.clock()
                if how == "no_answer":
                    about = await store.get(tx, row["return_id"])
                    events = self.house.published.events
                    await returns.nobody_answered(tx, events, about, by=CALL, at=now)
                else:
                    await returns.settle(tx, row["return_id"], State(how), "dialler", now)


@pytest.fixture
def contact(database_url: str) -> Iterator[type[Contact]]:
    """Customers in one database, a workspace each."""
    with asyncio.Runner() as runner:
        opening = open_database(database_url, application="test", size=6)
        Contact.runner, Contact.url = runner, database_url
        Contact.database = runner.run(opening.__aenter__())
        yield Contact
        runner.run(opening.__aexit__(None, None, None))


@pytest.mark.slow
def test_a_promised_call_is_owed_once_and_ends_for_good(contact):
    run(
        contact,
        settings=settings(
            max_examples=8,
            stateful_step_count=15,
            derandomize=True,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
