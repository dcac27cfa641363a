"""A failure that commits while the hang-up is being decided leads to exactly one rescue, whatever comes first.

A thousand seeded schedules: a decision, a provider's report, and the two jobs that may rescue take
turns at every statement of theirs, over real transactions.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from core.ids import CallRef, DeflectionId, MessageId, new_id
from core.jobs import Job
from core.postgres import Tx
from core.vocabulary import ChannelKind, PhoneNumber
from core.wake import Signal
from ivr_bridge import race as racing
from ivr_bridge import store
from ivr_bridge.aftermath import OPENING_FAILED, Aftermath
from ivr_bridge.evidence import Confirm
from ivr_bridge.race import RESCUE_CHECK, Look
from ivr_bridge.store import NewAttempt
from messaging import openings
from messaging.accounts import Accounts
from messaging.channel import Account, Failure, FailureClass, ReportedStatus, StatusReport
from messaging.content import Content, ContentType
from messaging.deliveries import apply_for
from messaging.openings import OpeningDraft
from messaging.reachability import Reach
from tests.ivr_bridge.conftest import House

SCHEDULES = 1000
AT_ONCE = 3  # each has four actors, and the pool twelve connections
BLOCKED_S = 0.005
NOT_ON_WHATSAPP = Failure(FailureClass.NOT_ON_CHANNEL, "131026")

Step = Callable[[], Awaitable[None]]


class Turns:
    """Lets one actor at a time go one step further; one that waits for a lock is left waiting."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._may: dict[str, asyncio.Event] = {}
        self._at_gate: dict[str, asyncio.Event] = {}

    async def gate(self, name: str) -> None:
        """Here another actor may come in between."""
        self._at_gate[name].set()
        await self._may[name].wait()
        self._may[name].clear()

    async def play(self, actors: dict[str, Callable[[Step], Awaitable[None]]]) -> None:
        tasks = {}
        for name, act in actors.items():
            self._may[name], self._at_gate[name] = asyncio.Event(), asyncio.Event()
            tasks[name] = asyncio.ensure_future(self._run(name, act))
        name = ""
        while running := [each for each, task in tasks.items() if not task.done()]:
            # In bursts: an actor that goes through in one go while another stands still is where
            # the interesting histories are.
            if (
                name not in running
                or not self._at_gate[name].is_set()
                or self._random.random() < 0.15
            ):
                name = self._random.choice(running)
            if not self._at_gate[name].is_set():
                # It waits for a lock that another holds: whoever holds it must go on.
                await asyncio.wait({tasks[name]}, timeout=0.001)
                continue
            self._at_gate[name].clear()
            self._may[name].set()
            reached = asyncio.ensure_future(self._at_gate[name].wait())
            await asyncio.wait(
                {reached, tasks[name]}, timeout=BLOCKED_S, return_when=asyncio.FIRST_COMPLETED
            )
            reached.cancel()
        for task in tasks.values():
            task.result()

    async def _run(self, name: str, act: Callable[[Step], Awaitable[None]]) -> None:
        await self.gate(name)
        await act(lambda: self.gate(name))


class Stepping:
    """A transaction that lets others in before each of its statements."""

    def __init__(self, tx: Tx, step: Step) -> None:
        self._tx, self._step = tx, step

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._tx, name)
        if name not in {"execute", "fetch", "fetchrow", "fetchval"}:
            return found

        async def stepping(*args: Any) -> Any:
            await self._step()
            return await found(*args)

        return stepping


class Caller:
    """One call whose opening is `sent` and quiet: a hang-up is due."""

    def __init__(self, house: House, number: int) -> None:
        self.house = house
        self.phone = PhoneNumber(f"+7900{number:07d}")
        self.deflection_id = DeflectionId(new_id())
        self.message_id = MessageId(new_id())
        self.aftermath = Aftermath(house.database, lambda: datetime.now(UTC))

    async def arrive(self, account: Account, line_id: Any) -> None:
        house = self.house
        async with house.database.workspace(house.workspace_id) as tx:
            call_ref = CallRef(new_id())
            await tx.execute(
                "INSERT INTO ivr_bridge.call (workspace_id, call_ref, line_id, call_id, caller)"
                " VALUES ($1, $2, $3, $4, $5)",
                tx.workspace_id, call_ref, line_id, str(self.deflection_id), self.phone.e164,
            )  # fmt: skip
            draft = OpeningDraft(
                self.phone,
                account,
                Content(ContentType.TEXT, text="hello"),
                message_id=self.message_id,
            )
            opening = await openings.prepare(tx, draft)
            await tx.execute(
                "UPDATE messaging.message SET status = 'sent', provider_id = $2, leased_until = NULL"
                " WHERE message_id = $1",
                self.message_id,
                f"wamid.{self.message_id}",
            )
            await store.add(
                tx,
                NewAttempt(
                    deflection_id=self.deflection_id, call_ref=call_ref, line_id=line_id, attempt=1,
                    pending_s=30, confirm=Confirm.SENT, grace_ms=0, positive=False, can_poll=False,
                    reach=Reach.UNKNOWN, channel="whatsapp", account_id=account.id,
                    contact_id=opening.contact_id, message_id=self.message_id, answers_for=None,
                    conversation_id=None, resumed=False, chat_wait_s=None, rescue_after_s=3600, ttl_s=3600,
                    consent={}, asked={}, trace=[],
                ),
            )  # fmt: skip

    async def decide(self, step: Step) -> None:
        async with self._stepping(step) as tx:
            row = await store.get(tx, self.deflection_id)
            assert row is not None
            race = racing.of_row(tx.workspace_id, row, self.message_id, Signal(), None)
            await racing.look(tx, race, Look.NOW)

    async def report(self, step: Step) -> None:
        report = StatusReport(
            f"failed:{self.message_id}", ReportedStatus.FAILED, datetime.now(UTC),
            f"wamid.{self.message_id}", self.message_id, {}, NOT_ON_WHATSAPP,
        )  # fmt: skip
        account = await self._account()
        async with self._stepping(step) as tx:
            await apply_for(tx, self.house.means.events, account.id, ChannelKind.WHATSAPP, [report])

    async def work(self, kind: str, step: Step) -> None:
        """What a worker does with the job, if it is there yet."""
        handler = {
            OPENING_FAILED: self.aftermath.opening_failed,
            RESCUE_CHECK: self.aftermath.check_rescue,
        }[kind]
        async with self._stepping(step) as tx:
            found = await tx.fetch(
                "DELETE FROM core.job WHERE kind = $1 AND payload ->> $2 = $3"
                " RETURNING job_id, payload",
                kind,
                "message_id" if kind == OPENING_FAILED else "deflection_id",
                str(self.message_id if kind == OPENING_FAILED else self.deflection_id),
            )
            for row in found:
                await handler(
                    tx,
                    Job(
                        tx.workspace_id,
                        row["job_id"],
                        kind,
                        None,
                        row["payload"],
                        1,
                        1,
                        datetime.now(UTC),
                    ),
                )

    async def _account(self) -> Account:
        house = self.house
        return await Accounts(house.database, house.sealer).find(house.workspace_id, "whatsapp")

    @asynccontextmanager
    async def _stepping(self, step: Step) -> AsyncIterator[Any]:
        async with self.house.database.workspace(self.house.workspace_id) as tx:
            yield Stepping(tx, step)
            await step()


async def _nothing() -> None:
    """No gate."""


async def rescues(house: House, caller: Caller) -> tuple[str, int, int]:
    """The outcome, and how many rescues and calls back there are."""
    row = (
        await house.rows(
            "SELECT d.outcome, count(r.call_ref) AS rescues,"
            " (SELECT count(*) FROM handoff.conversation v WHERE v.origin = d.deflection_id"
            "   AND v.kind = 'callback') AS callbacks"
            " FROM ivr_bridge.deflection d LEFT JOIN ivr_bridge.rescue r USING (call_ref)"
            " WHERE d.deflection_id = $1 GROUP BY d.outcome, d.deflection_id",
            caller.deflection_id,
        )
    )[0]
    return row["outcome"], row["rescues"], row["callbacks"]


async def play(house: House, seed: int, account: Account, line_id: Any) -> tuple[Caller, str, bool]:
    """One schedule: the caller, the outcome, and whether exactly the right ones were rescued."""
    caller = Caller(house, seed)
    await caller.arrive(account, line_id)
    await Turns(seed).play(
        {
            "decision": caller.decide,
            "report": caller.report,
            "failed": lambda step: caller.work(OPENING_FAILED, step),
            "check": lambda step: caller.work(RESCUE_CHECK, step),
        }
    )
    # A failure after the hang-up rescues at once: the check that comes an hour later is not needed.
    await caller.work(OPENING_FAILED, _nothing)
    outcome, rescued, callbacks = await rescues(house, caller)
    expected = 1 if outcome == "hangup" else 0
    return caller, outcome, (rescued, callbacks) == (expected, expected)


async def setting(house: House) -> tuple[Account, Any]:
    line_id = await house.value("SELECT line_id FROM ivr_bridge.line")
    account = await Accounts(house.database, house.sealer).find(house.workspace_id, "whatsapp")
    return account, line_id


@pytest.mark.timeout(300)
async def test_exactly_one_rescue_in_every_interleaving(house: House):
    account, line_id = await setting(house)
    outcomes = {"hangup": 0, "continue": 0}
    seeds = iter(range(SCHEDULES))

    async def play_on() -> None:
        for seed in seeds:
            caller, outcome, right = await play(house, seed, account, line_id)
            assert right, (seed, await rescues(house, caller))
            outcomes[outcome] += 1
            if outcome == "hangup":
                await caller.work(RESCUE_CHECK, _nothing)
                assert await rescues(house, caller) == ("hangup", 1, 1), seed

    async with asyncio.TaskGroup() as tables:
        for _ in range(AT_ONCE):
            tables.create_task(play_on())
    # Both orders were really met.
    assert min(outcomes.values()) > SCHEDULES / 20, outcomes


async def test_without_the_lock_the_schedules_find_a_stranded_caller(
    house: House, monkeypatch: pytest.MonkeyPatch
):
    """The control: the same schedules must notice when the decision does not hold the message."""

    async def unlocked(tx: Tx, message_id: MessageId, *, lock: bool = False) -> Any:
        del lock
        return await openings.state(tx, message_id)

    monkeypatch.setattr(racing, "openings", SimpleNamespace(state=unlocked))
    account, line_id = await setting(house)
    for seed in range(SCHEDULES):
        _, _, right = await play(house, seed, account, line_id)
        if not right:
            return
    pytest.fail("the schedules do not notice a missing lock")
