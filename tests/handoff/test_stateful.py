"""Whatever customers, operators, clocks and killed processes do, in whatever order: every open
conversation has one holder, and something that will come back to it."""

import asyncio
from collections.abc import Iterator
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from hypothesis.stateful import run_state_machine_as_test as run

from core.faults import Refused
from core.ids import PersonId, ThreadId, new_id
from core.postgres import Database, open_database
from core.vocabulary import PhoneNumber
from handoff.conversation.conversations import Conversations
from handoff.conversation.opening import open_callback
from handoff.routing.placing import Placer
from handoff.routing.presence import Declared
from messaging import threads
from messaging.content import Content, ContentType
from tests.conftest import SettableClock, make_workspace
from tests.handoff.conftest import House, make_house, owned

CUSTOMERS = 3
OPERATORS = 2

customers = st.integers(0, CUSTOMERS - 1)
operators = st.integers(0, OPERATORS - 1)

HOLDERS = """
SELECT c.conversation_id, c.state, c.operator_id, c.epoch, c.kind, c.heard <> '[]' AS heard,
       c.waiting_since IS NOT NULL AS waits, c.last_seq,
       (SELECT count(*) FROM handoff.entry AS e WHERE e.conversation_id = c.conversation_id) AS entries,
       (SELECT coalesce(max(seq), 0) FROM handoff.entry AS e
         WHERE e.conversation_id = c.conversation_id) AS highest,
       (SELECT count(*) FROM handoff.reservation AS r
         WHERE r.conversation_id = c.conversation_id AND r.status = 'pending') AS pending,
       (SELECT count(*) FROM handoff.reservation AS r
         WHERE r.conversation_id = c.conversation_id AND r.status = 'pending'
           AND r.epoch = c.epoch AND r.operator_id = c.operator_id) AS fitting
  FROM handoff.conversation AS c
"""

BROKEN_CHAINS = """
SELECT count(*) FROM (
    SELECT from_state, epoch,
           lag(to_state) OVER one AS before, lag(epoch) OVER one AS epoch_before
      FROM handoff.transition
    WINDOW one AS (PARTITION BY conversation_id ORDER BY transition_id)) AS t
 WHERE from_state IS DISTINCT FROM before OR epoch < epoch_before
"""

WRONG_LOADS = """
SELECT count(*) FROM handoff.operator_state AS o
 WHERE load <> (SELECT count(*) FROM handoff.conversation AS c WHERE c.operator_id = o.operator_id)
    OR load > capacity
"""

WRONG_INTERVALS = """
SELECT count(*) FROM handoff.operator_state AS o
 WHERE o.declared || o.link <> ALL (
        SELECT i.declared || i.link FROM handoff.presence_interval AS i
         WHERE i.operator_id = o.operator_id AND i.ended_at IS NULL)
   AND EXISTS (SELECT FROM handoff.presence_interval AS i WHERE i.operator_id = o.operator_id)
"""


class Centre(RuleBasedStateMachine):
    """A day in a contact centre, drawn at random."""

    runner: asyncio.Runner
    database: Database
    url: str
    count = 0

    house: House
    owner: asyncpg.Connection
    threads: list[ThreadId]
    people: list[PersonId]

    @initialize()
    def begins(self) -> None:
        self.epochs: dict[Any, int] = {}
        self.do(self._begin())

    async def _begin(self) -> None:
        Centre.count += 1
        workspace_id = await make_workspace(self.database, f"centre-{Centre.count}")
        self.owner = await owned(self.url, workspace_id)
        self.house = await make_house(self.database, workspace_id, SettableClock(), self.owner)
        self.threads = [
            await self.house.customer(f"+7916123456{number}") for number in range(CUSTOMERS)
        ]
        self.people = [
            # One hand each, so that somebody always has to wait.
            await self.house.at_work(f"operator{number}", capacity=1)
            for number in range(OPERATORS)
        ]

    def teardown(self) -> None:
        if hasattr(self, "owner"):
            self.do(self.owner.close())

    def do(self, work: Any) -> Any:
        return self.runner.run(work)

    # -- customers ---------------------------------------------------------------------------------

    @rule(who=customers, text=st.sampled_from(["hi", "operator", "hours"]))
    def writes(self, who: int, text: str) -> None:
        self.do(self.house.wrote(text, thread_id=self.threads[who]))

    @rule(
        who=customers, choice=st.sampled_from(["f:menu:person", "f:menu:hours", "n:abc", "c:abc"])
    )
    def taps(self, who: int, choice: str) -> None:
        self.do(self.house.tapped(choice, thread_id=self.threads[who]))

    @rule(who=customers)
    def asks_and_waits(self, who: int) -> None:
        self.do(self.house.wrote("operator", thread_id=self.threads[who]))
        self.do(self.house.timeline.advance(1.5))

    @rule(who=customers)
    def calls(self, who: int) -> None:
        self.do(self.house.invited(self.threads[who]))

    @rule(who=customers)
    def is_owed_a_call(self, who: int) -> None:
        self.do(self._owe(self.threads[who]))

    async def _owe(self, thread_id: ThreadId) -> None:
        async with self.database.workspace(self.house.workspace_id) as tx:
            thread = await threads.thread(tx, thread_id)
            await open_callback(
                tx,
                contact_id=thread.contact_id,
                phone=PhoneNumber("+79161234567"),
                queue="support",
                card=None,
                origin=None,
                reason="rescue",
                language="en",
                at=self.house.clock(),
            )

    # -- time and machines -------------------------------------------------------------------------

    @rule(seconds=st.sampled_from([0.5, 2, 6, 31, 61, 181, 4000, 90_000]))
    def time_passes(self, seconds: float) -> None:
        self.do(self._passes(seconds))

    async def _passes(self, seconds: float) -> None:
        while seconds > 0:
            step = min(seconds, 200)
            await self.house.timeline.advance(step)
            seconds -= step
            if await self.owner.fetchval(
                "SELECT EXISTS (SELECT FROM handoff.conversation WHERE state = 'queued')"
            ):
                # A day in a queue is 86,400 sweeps, all alike.
                return

    @rule()
    def a_web_process_dies(self) -> None:
        self.do(self.house.killed())

    @rule()
    def three_placers_run_at_once(self) -> None:
        placer = Placer(self.database, self.house.clock)

        async def place() -> None:
            await asyncio.gather(*(placer.place_one(self.house.workspace_id) for _ in range(3)))

        self.do(place())

    # -- operators ---------------------------------------------------------------------------------

    @rule(who=operators)
    def comes(self, who: int) -> None:
        if self.people[who] not in self.house.sockets:
            self.do(self.house.comes(self.people[who]))

    @rule(who=operators)
    def goes(self, who: int) -> None:
        if self.people[who] in self.house.sockets:
            self.do(self.house.goes(self.people[who]))

    @rule(who=operators, wanted=st.sampled_from(Declared))
    def declares(self, who: int, wanted: Declared) -> None:
        self.do(self.house.operators.declare(self.house.workspace_id, self.people[who], wanted))

    @rule(yes=st.booleans())
    def offers_are_settled(self, yes: bool) -> None:
        for who in self.people:
            self.do(self._settles(who, yes))

    async def _settles(self, who: PersonId, yes: bool) -> None:
        act = self.house.conversations.accept if yes else self.house.conversations.decline
        for held_out in await self.house.offered(who):
            try:
                await act(self.house.workspace_id, held_out.reservation_id, by=who)
            except Refused:
                continue

    @rule(what=st.sampled_from(["send", "send", "close", "end_wrapup", "transfer", "typing"]))
    def everybody_acts(self, what: str) -> None:
        for who in self.people:
            self.do(self._acts(who, what))

    async def _acts(self, who: PersonId, what: str) -> None:
        held = await self.owner.fetch(
            "SELECT conversation_id, epoch FROM handoff.conversation WHERE operator_id = $1", who
        )
        desk: Conversations = self.house.conversations
        more: dict[str, dict[str, Any]] = {
            "send": {
                "by_name": "Olga",
                "client_key": str(new_id()),
                "content": Content(ContentType.TEXT, text="One moment"),
            },
            "transfer": {"queue_id": self.house.queue_id},
        }
        for row in held:
            values = {} if what == "typing" else {"epoch": row["epoch"], **more.get(what, {})}
            try:
                await getattr(desk, what)(
                    self.house.workspace_id, row["conversation_id"], by=who, **values
                )
            except Refused:
                continue

    # -- what always holds -------------------------------------------------------------------------

    @invariant()
    def everything_has_one_holder_and_a_way_on(self) -> None:
        if hasattr(self, "house"):
            self.do(self._check())

    async def _check(self) -> None:
        waiting = {
            (row["kind"], row["whose"])
            for row in await self.owner.fetch(
                "SELECT kind, coalesce(payload->>'conversation_id', payload->>'operator_id') AS whose"
                " FROM core.job WHERE state = 'ready'"
            )
        }
        kinds = {kind for kind, _ in waiting}
        for row in await self.owner.fetch(HOLDERS):
            whose = str(row["conversation_id"])
            assert row["entries"] == row["highest"] == row["last_seq"]
            assert row["epoch"] >= self.epochs.get(whose, 0)
            self.epochs[whose] = row["epoch"]
            reserved = row["state"] == "reserved"
            assert (row["pending"], row["fitting"]) == (reserved, reserved)
            way_on = _way_on(row)
            assert way_on is None or (way_on, whose) in waiting or way_on in kinds & SHARED
        for row in await self.owner.fetch("SELECT operator_id, link FROM handoff.operator_state"):
            if row["link"] == "grace":
                assert ("handoff.grace_over", str(row["operator_id"])) in waiting
            if row["link"] == "connected":
                assert "handoff.sockets" in kinds
        for wrong in (BROKEN_CHAINS, WRONG_LOADS, WRONG_INTERVALS):
            assert await self.owner.fetchval(wrong) == 0, wrong


SHARED = {"handoff.place", "handoff.reservation_over"}
"""Jobs that carry no conversation's id."""


def _way_on(row: asyncpg.Record) -> str | None:
    """The job that comes back to this conversation when nobody does anything; None when it is over,
    or the customer's turn."""
    match row["state"]:
        case "bot":
            return "handoff.bot_turn" if row["heard"] else "handoff.bot_idle"
        case "active" if row["waits"] and row["kind"] == "chat":
            return "handoff.unanswered"
        case state:
            return {
                "invited": "handoff.invitation_over",
                "queued": "handoff.place",
                "reserved": "handoff.reservation_over",
                "wrapup": "handoff.wrapup_over",
            }.get(state)


@pytest.fixture
def centre(database_url: str) -> Iterator[type[Centre]]:
    """Centres in one database, a workspace each."""
    with asyncio.Runner() as runner:
        opening = open_database(database_url, application="test", size=6)
        Centre.runner, Centre.url = runner, database_url
        Centre.database = runner.run(opening.__aenter__())
        yield Centre
        runner.run(opening.__aexit__(None, None, None))


def test_nothing_is_ever_in_limbo(centre):
    run(
        centre,
        settings=settings(
            max_examples=10,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
