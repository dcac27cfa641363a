"""An attempt is read by its keys, however many messages the workspace has."""

import pytest

from ivr_bridge.store import SQL
from tests.ivr_bridge.busy import busy_workspace, read_by


@pytest.mark.parametrize("analysed", [True, False], ids=["analysed", "never analysed"])
@pytest.mark.parametrize("name", ["deflection", "stranded", "by_message", "attempts"])
async def test_an_attempt_costs_its_own_rows(database_url, name, analysed):
    async with busy_workspace(database_url) as busy:
        if analysed:
            await busy.execute("RESET ROLE; ANALYZE; SET ROLE ivr_bridge_service")
        row = await busy.fetchrow(
            "SELECT deflection_id AS deflection, call_ref, message_id AS message"
            "  FROM ivr_bridge.deflection OFFSET 4321 LIMIT 1"
        )
        assert row is not None
        known = {"workspace": 1, **row}
        statement = SQL[name]
        read = await read_by(
            busy, *statement(**{each: known[each] for each in statement.parameters})
        )
        assert read
        for place, rows in read.items():
            assert rows <= 4, (place, rows)
