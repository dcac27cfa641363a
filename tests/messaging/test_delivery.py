"""Providers repeat and reorder; what became of a message does not depend on it."""

import random
from datetime import timedelta
from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messaging import deliveries, openings
from messaging.channel import Failure, FailureClass, ReportedStatus, StatusReport
from messaging.delivery import OURS, Standing, Status, advance, after_report
from messaging.openings import OpeningDraft
from tests.messaging.conftest import CALLER, NOW, OPENING, report

FAILURES = [
    Failure(FailureClass.NOT_ON_CHANNEL, "131026"),
    Failure(FailureClass.TRANSIENT, "131000"),
    None,
]

reports = st.builds(
    lambda status, seconds, failure: report(
        status,
        at=NOW + timedelta(seconds=seconds),
        failure=failure if status is ReportedStatus.FAILED else None,
    ),
    st.sampled_from(ReportedStatus),
    st.integers(0, 5),
    st.sampled_from(FAILURES),
)


def told(standing: Standing, one: StatusReport) -> Standing:
    return after_report(standing, one.status, one.at, one.failure)


@given(st.lists(reports, max_size=12), st.randoms(use_true_random=False))
def test_any_order_and_any_repetition_ends_alike(stream, chance):
    shuffled = stream + chance.choices(stream, k=5) if stream else []
    chance.shuffle(shuffled)
    begun = Standing(Status.SENDING)
    assert reduce(told, stream, begun) == reduce(told, shuffled, begun)


@given(st.sampled_from(Status), st.lists(reports, max_size=12))
def test_no_report_ever_takes_a_rank_back(begun, stream):
    if begun is Status.RECEIVED:
        return
    standing = Standing(begun)
    for one in stream:
        after = told(standing, one)
        assert advance(standing.status, after.status) is after.status
        standing = after


@pytest.mark.parametrize("arrived", [ReportedStatus.DELIVERED, ReportedStatus.READ])
@pytest.mark.parametrize("failed_first", [True, False])
def test_what_arrived_did_not_fail(arrived, failed_first):
    both = [report(arrived), report(ReportedStatus.FAILED, failure=FAILURES[0])]
    standing = reduce(told, reversed(both) if failed_first else both, Standing(Status.ACCEPTED))
    assert standing.failed is not None
    assert standing.failure is None


def test_our_own_steps_lead_nowhere_else():
    """The diagram in the module's docstring, as a table."""
    assert {begun.value: sorted(ends) for begun, ends in OURS.items()} == {
        "queued": ["sending"],
        "sending": ["accepted", "queued", "unknown"],
        "unknown": ["accepted"],
    }


async def test_the_database_ends_alike_too(database, workspace_id, whatsapp, heard):
    """Each shuffled, repeated and divided stream ends in the same rows."""
    stream = [
        report(ReportedStatus.SENT, at=NOW),
        report(ReportedStatus.DELIVERED, at=NOW + timedelta(seconds=2)),
        report(ReportedStatus.READ, at=NOW + timedelta(seconds=3)),
        report(ReportedStatus.FAILED, at=NOW + timedelta(seconds=1), failure=FAILURES[0]),
        report(ReportedStatus.FAILED, at=NOW + timedelta(seconds=4), failure=FAILURES[1]),
    ]
    ends = set()
    chance = random.Random(20261122)
    for _ in range(25):
        async with database.workspace(workspace_id) as tx:
            opening = await openings.prepare(tx, OpeningDraft(CALLER, whatsapp, OPENING))
        mine = [
            StatusReport(
                one.event_key, one.status, one.at, f"wamid.{opening.message_id}", opening.message_id,
                {}, one.failure,
            )
            for one in stream + chance.choices(stream, k=4)
        ]  # fmt: skip
        chance.shuffle(mine)
        while mine:
            size = chance.randint(1, len(mine))
            batch, mine = mine[:size], mine[size:]
            async with database.workspace(workspace_id) as tx:
                await deliveries.apply(tx, heard.events, whatsapp, batch)
        async with database.workspace(workspace_id) as tx:
            state = await openings.state(tx, opening.message_id)
            rows = await tx.fetch(
                "SELECT status, at, failed_code FROM messaging.delivery"
                " WHERE message_id = $1 AND source = 'webhook' ORDER BY status",
                opening.message_id,
            )
        ends.add((state.standing, tuple(tuple(row) for row in rows)))
    assert len(ends) == 1
    standing, rows = ends.pop()
    assert standing.status is Status.READ
    assert standing.failed is not None
    assert standing.failed.failure.code == "131026"
    assert [row[0] for row in rows] == ["delivered", "failed", "read", "sent"]


async def test_a_repeated_report_changes_nothing(database, workspace_id, whatsapp, heard):
    async with database.workspace(workspace_id) as tx:
        opening = await openings.prepare(tx, OpeningDraft(CALLER, whatsapp, OPENING))
    seen = set()
    for _ in range(3):
        async with database.workspace(workspace_id) as tx:
            failed = report(
                ReportedStatus.FAILED, message_id=opening.message_id, failure=FAILURES[0]
            )
            await deliveries.apply(tx, heard.events, whatsapp, [failed, failed])
            seen.add(await tx.fetchval("SELECT changed_xid::text FROM messaging.message"))
    assert len(seen) == 1
    assert len(heard.named("opening.failed")) == 1


async def test_another_accounts_report_moves_nothing(
    database, workspace_id, whatsapp, sealer, heard
):
    from messaging.accounts import account, put_account
    from tests.messaging.conftest import draft

    async with database.workspace(workspace_id) as tx:
        opening = await openings.prepare(tx, OpeningDraft(CALLER, whatsapp, OPENING))
        await put_account(tx, sealer, draft("second", external_id="2"))
        second = await account(tx, sealer, "second")
        forged = report(ReportedStatus.DELIVERED, message_id=opening.message_id)
        await deliveries.apply(tx, heard.events, second, [forged])
        assert (await openings.state(tx, opening.message_id)).status is Status.SENDING


async def test_the_state_can_be_recomputed_from_rows(database, workspace_id, whatsapp, heard):
    async with database.workspace(workspace_id) as tx:
        opening = await openings.prepare(tx, OpeningDraft(CALLER, whatsapp, OPENING))
    for status in (ReportedStatus.DELIVERED, ReportedStatus.SENT):
        async with database.workspace(workspace_id) as tx:
            one = report(status, message_id=opening.message_id)
            await deliveries.apply(tx, heard.events, whatsapp, [one])
    async with database.workspace(workspace_id) as tx:
        rows = await tx.fetch("SELECT status FROM messaging.delivery")
        state = await openings.state(tx, opening.message_id)
    assert reduce(advance, [Status(row["status"]) for row in rows]) is state.status
