"""A report reads the calls of its days through their index, and of everybody else's rows none."""

from datetime import date
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from ivr_bridge import replay
from ivr_bridge.reports import arms, deflection_funnel, deflections, savings, shadow, voice_to_chat
from ivr_bridge.reports.periods import Period
from tests.ivr_bridge.busy import CALLS, LINE, busy_workspace, read_by

DAYS = Period(date(2026, 3, 1), date(2026, 3, 1), ZoneInfo("UTC"))
STATEMENTS = [
    voice_to_chat.SQL["voice_to_chat"],
    deflection_funnel.SQL["deflection_funnel"],
    deflections.SQL["deflections"],
    arms.SQL["arms"],
    savings.SQL["openings_sent"],
    shadow.SQL["shadow"],
    replay.SQL["next_answers"],
    replay.SQL["answers_to_replay"],
]


@pytest.fixture
async def busy(database_url):
    async with busy_workspace(database_url) as conn:
        yield conn


@pytest.mark.parametrize("analysed", [True, False], ids=["analysed", "never analysed"])
@pytest.mark.parametrize("statement", STATEMENTS, ids=[each.name for each in STATEMENTS])
async def test_a_day_costs_what_its_own_calls_cost(busy, statement, analysed):
    if analysed:
        await busy.execute("RESET ROLE; ANALYZE; SET ROLE ivr_bridge_service")
    known: dict[str, Any] = {
        "workspace": 1,
        "edges": DAYS.edges,
        "since": DAYS.since,
        "until": DAYS.until,
        "lines": [LINE],
        "most": 50_000,
        "earliest": DAYS.since,
        "windows_s": [3600],
        "policies": ["0" * 16],
        "at": DAYS.since,
        "call": UUID(int=0),
        "answer": UUID(int=0),
        "size": 1000,
    }
    read = await read_by(busy, *statement(**{name: known[name] for name in statement.parameters}))
    calls = CALLS / 100
    assert sum(rows for (table, _), rows in read.items() if table == "call") >= calls
    for place, rows in read.items():
        assert rows <= 4 * calls, (place, rows)
