"""Whatever order, repetition or cutting of a file gives the same calls; and what an import must not do."""

import csv
import io
import random
import resource
import sys
import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ivr_bridge.cdr.record import Skip
from ivr_bridge.lines import put_line
from tests.conftest import make_workspace
from tests.ivr_bridge.cdr.conftest import take_into
from tests.ivr_bridge.conftest import CALLER, LINE, line_draft

NOON = datetime(2026, 10, 5, 9, tzinfo=UTC)
NUMBER = count()


def row(call: int, second: int, length: int, *, dst: str, peer: str, said: str) -> list[Any]:
    began = NOON + timedelta(seconds=call)
    start = began + timedelta(hours=3, seconds=second)
    end = start + timedelta(seconds=length)
    return [
        "", f"8900555{call:04d}", dst, "from-trunk", "", f"PJSIP/trunk-{call:08x}", peer, "Queue", "",
        f"{start:%F %T}", f"{start:%F %T}", f"{end:%F %T}", length, length, said, "DOCUMENTATION",
        f"{began.timestamp():.0f}.{call}", "",
    ]  # fmt: skip


rows = st.builds(
    row,
    st.integers(0, 5),
    st.integers(0, 900),
    st.integers(0, 900),
    dst=st.sampled_from([LINE, "s", "600"]),
    peer=st.sampled_from(["", "PJSIP/101-1"]),
    said=st.sampled_from(["ANSWERED", "NO ANSWER"]),
)


def written(chosen: Iterable[list[Any]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(chosen)
    return text.getvalue().encode()


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(rows, min_size=1, max_size=25), st.randoms(use_true_random=False), st.integers(1, 4)
)
async def test_any_order_repetition_or_cutting_gives_the_same_calls(
    database, tmp_path, records, chance, pieces
):
    async def told(files: Iterable[list[Any]]) -> Any:
        workspace_id = await make_workspace(database, f"w{next(NUMBER)}")
        async with database.workspace(workspace_id) as tx:
            await put_line(tx, line_draft())
        for each in files:
            path = tmp_path / "calls"
            path.write_bytes(written(each))
            tally = await take_into(database, workspace_id, path)
            skipped = sum(passed.count for passed in tally.skipped.values())
            assert tally.read == tally.taken + tally.known + skipped == len(each)
        async with database.workspace(workspace_id) as tx:
            return await tx.fetch(
                "SELECT c.call_id, c.caller, c.entered_at, c.answered_at, c.ended_at, c.first_seen_at,"
                "       array_agg(concat(e.event, e.event_key, e.at) ORDER BY e.event, e.event_key)"
                "  FROM ivr_bridge.call AS c JOIN ivr_bridge.call_event AS e USING (call_ref)"
                " GROUP BY c.call_ref, 1, 2, 3, 4, 5, 6 ORDER BY 1"
            )

    once = await told([records])
    mixed = [*records, *chance.choices(records, k=len(records))]
    chance.shuffle(mixed)
    cut = [part for n in range(pieces) if (part := mixed[n::pieces])]
    # A record without its line waits for one that has it: the first piece is imported again.
    assert await told([*cut, *cut]) == once
    assert {each["call_id"] for each in once} == {r[16] for r in records if r[2] == LINE}


def text_of(ended: datetime, call_id: str = "call-1", *, answered: datetime | None = None) -> str:
    began = ended - timedelta(minutes=2)
    return (
        "call_id,line,caller,started_at,answered_at,ended_at\n"
        f"{call_id},{LINE},{CALLER},{began.isoformat()},"
        f"{answered.isoformat() if answered else ''},{ended.isoformat()}\n"
    )


@pytest.fixture
def taken(house, tmp_path):
    async def run(text: str):
        path = tmp_path / "records.csv"
        path.write_text(text)
        return await take_into(house.database, house.workspace_id, path)

    return run


async def test_a_record_confirms_the_hang_up_that_was_asked_for(house, taken):
    await house.ivr.deflect()
    # Whole seconds, as most PBXs write them: the second of the decision is not before it.
    tally = await taken(text_of(datetime.now(UTC).replace(microsecond=0)))
    assert tally.facts == {"hangup_confirmed": 1}
    assert await house.facts() == {"hangup_confirmed"}
    assert await house.value("SELECT count(*) FROM ivr_bridge.call") == 1
    assert (await taken(text_of(datetime.now(UTC), "call-1"))).taken == 1


async def test_a_record_refutes_a_hang_up_that_was_not_executed(house, taken):
    await house.ivr.deflect()
    later = datetime.now(UTC) + timedelta(minutes=3)
    tally = await taken(text_of(later, answered=later - timedelta(minutes=1)))
    assert tally.facts == {"answered_after": 1}
    fate = await house.value("SELECT fate FROM ivr_bridge.call_fate")
    assert fate == "answered"


async def test_another_callers_call_keeps_its_id(house, taken):
    await house.ivr.eligible()
    tally = await taken(text_of(datetime.now(UTC)).replace(CALLER, "+79005550199"))
    assert tally.skipped[Skip.ANOTHER_CALLER].lines == [2]


async def test_history_wakes_nobody(house, taken):
    """A caller who had left yesterday is not called back today; one who left just now is."""
    for number, hours in ((1, 20), (2, 0)):
        caller, call_id = f"+7900555010{number}", f"call-{number}"
        await house.ivr.deflect(call_id, caller)
        async with house.database.workspace(house.workspace_id) as tx:
            await tx.execute("DELETE FROM core.job WHERE kind LIKE '%rescue%'")
        ended = datetime.now(UTC) - timedelta(hours=hours, seconds=30)
        tally = await taken(text_of(ended, call_id).replace(CALLER, caller))
        assert tally.facts == {"hangup_confirmed": 1, "caller_left": 1}
        due = await house.value("SELECT count(*) FROM core.job WHERE kind LIKE '%rescue%'")
        assert due == (0 if hours else 1)


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_two_hundred_thousand_lines(database, workspace_id, tmp_path):
    """The rate that docs/ivr/calls.md names, with memory that does not grow with the file."""
    async with database.workspace(workspace_id) as tx:
        await put_line(tx, line_draft())
    chance = random.Random(7)
    path = tmp_path / "Master.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        for call in range(200_000):
            peer, said = chance.choice([("", "ANSWERED"), ("PJSIP/101-1", "ANSWERED")])
            writer.writerow(row(call, 0, 60, dst=LINE, peer=peer, said=said))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.monotonic()
    tally = await take_into(database, workspace_id, path)
    took = time.monotonic() - began
    grew = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    sys.stderr.write(f"{tally.taken / took:.0f} records/s, {grew:.0f} MB more\n")
    assert tally.taken == 200_000
    assert grew < 100
