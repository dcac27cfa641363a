"""An import is taken back: nothing of it stays, and nothing else is touched."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.ivr_bridge.cdr.conftest import FILES, take_into
from tests.ivr_bridge.conftest import CALLER, LINE

OTHER = "+79005550177"
HEAD = "call_id,line,caller,started_at,answered_at,ended_at\n"


def record(
    call_id: str, *, minutes: int, caller: str = CALLER, answered: bool = False, line: str = LINE
) -> str:
    """A call of two minutes that ended so many minutes from now."""
    end = datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=minutes)
    taken = (end - timedelta(minutes=1)).isoformat() if answered else ""
    return f"{call_id},{line},{caller},{(end - timedelta(minutes=2)).isoformat()},{taken},{end.isoformat()}\n"


@pytest.fixture
def run(house, tmp_path):
    async def once(*records: str, undo: bool = False, **how: Any):
        path = tmp_path / "records.csv"
        path.write_text(HEAD + "".join(records))
        return await take_into(house.database, house.workspace_id, path, take_back=undo, **how)

    return once


@pytest.fixture
def told(house):
    """All that is known of calls, without the moments that the database's clock gave."""

    async def read() -> Any:
        calls = await house.rows(
            "SELECT c.call_id, c.caller, c.entered_at, c.offers, c.answered_at, c.ended_at,"
            "       extract(epoch FROM c.first_seen_at)::int / 10 AS around,"
            "       ARRAY(SELECT concat(e.event, e.event_key) FROM ivr_bridge.call_event AS e"
            "              WHERE e.call_ref = c.call_ref ORDER BY 1) AS events,"
            "       ARRAY(SELECT concat(f.fact, f.at) FROM ivr_bridge.fact AS f"
            "               JOIN ivr_bridge.deflection AS d USING (workspace_id, deflection_id)"
            "              WHERE d.call_ref = c.call_ref ORDER BY 1) AS facts"
            "  FROM ivr_bridge.call AS c ORDER BY 1"
        )
        return [tuple(row.values()) for row in calls]

    return read


async def test_all_that_an_import_told_is_unsaid(house, run, told):
    """A confirmed hang-up, one that a person answered after all, a caller back, and calls nobody knew."""
    await house.ivr.deflect("asked", CALLER, deadline_ms=10_000)
    await house.ivr.deflect("answered", OTHER, deadline_ms=10_000)
    await house.ivr.event("offered", "asked")
    before = await told()
    records = [
        record("asked", minutes=-1),
        record("asked", minutes=3),
        record("answered", minutes=3, caller=OTHER, answered=True),
        record("back", minutes=30, answered=True),
        record("unknown", minutes=-600, caller="", line="main"),
        record("unknown", minutes=-598, caller="", line="s"),
        record("asked", minutes=3, caller="+79005550188"),
    ]
    tally = await run(*records)
    assert (tally.taken, len(tally.skipped)) == (6, 1)
    assert tally.facts == {"hangup_confirmed": 1, "answered_after": 1}
    assert "repeat_call" in str(await told())
    tally = await run(*records, undo=True)
    assert (tally.taken, tally.known) == (6, 1)
    assert await told() == before
    assert (await run(*records, undo=True)).taken == 0
    assert await told() == before


async def test_what_others_told_stays(house, run, told):
    """Another file, the IVR's own report, and a later return of the same caller."""
    await house.ivr.deflect("asked", CALLER)
    right = [record("asked", minutes=4), record("later", minutes=60)]
    await run(*right)
    before = await told()
    assert "repeat_call" in str(before)
    wrong = [record("asked", minutes=9, answered=True), record("sooner", minutes=20)]
    await run(*wrong)
    await run(*wrong, undo=True)
    assert await told() == before


async def test_a_record_without_its_line_is_found_by_the_call(house, tmp_path, told):
    """Its first record is unsaid long before: Asterisk's second record stands in `s`."""
    path = FILES / "asterisk-master.csv"
    taken = await take_into(house.database, house.workspace_id, path)
    back = await take_into(house.database, house.workspace_id, path, take_back=True)
    assert (taken.taken, back.taken, back.known) == (5, 5, 0)
    assert await told() == []


async def test_an_undo_that_broke_off_goes_on(house, run, told, monkeypatch):
    records = [record("a", minutes=-10), record("b", minutes=-9)]
    await run(*records)

    async def broken(*_: Any) -> None:
        raise ConnectionError

    with monkeypatch.context() as patched:
        patched.setattr("ivr_bridge.cdr.taking_back.TakingBack.forget_calls", broken)
        with pytest.raises(ConnectionError):
            await run(*records, undo=True)
    assert len(await told()) == 2
    assert (await run(*records, undo=True)).known == 2
    assert await told() == []
