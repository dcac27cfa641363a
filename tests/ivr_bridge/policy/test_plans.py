"""What a rule wants to know is read by its keys, however many calls the workspace has."""

from typing import Any

import pytest

from ivr_bridge.calls import SQL as CALLS
from ivr_bridge.calls import patterns_of
from ivr_bridge.readiness import SQL as READINESS
from tests.ivr_bridge.busy import LINE, busy_workspace, read_by


@pytest.mark.parametrize("analysed", [True, False], ids=["analysed", "never analysed"])
async def test_a_rule_costs_its_own_rows(database_url, analysed):
    async with busy_workspace(database_url) as busy:
        await busy.execute(
            "UPDATE ivr_bridge.call SET caller = '+7900' || lpad(call_id, 7, '0');"
            "INSERT INTO ivr_bridge.do_not_contact (workspace_id, pattern)"
            " SELECT 1, '+7901' || lpad(n::text, 7, '0') FROM generate_series(1, 5000) AS n"
        )
        if analysed:
            await busy.execute("RESET ROLE; ANALYZE; SET ROLE ivr_bridge_service")
        account = "00000000-0000-0000-0000-000000000001"
        number = "+79000004321"
        about: dict[str, Any] = {
            "workspace": 1, "line": LINE, "call_id": "4321", "caller": number,
            "ignored_within_s": 10**8, "ignored_kept": 5, "same_offer_s": 5.0,
            "within_min": 10**6, "enough": 50,
            # One place of those who ask together.
            "lines": [LINE], "call_ids": ["4321"], "callers": [number], "targets": [number],
            "accounts": [account], "repeat_calls_s": [10.0**8], "declined_s": [10.0**8],
            "patterns": [" ".join(patterns_of(number))], "openings_within_s": [10.0**8],
            "openings_kept": [5], "call_refs": [account],
        }  # fmt: skip
        for statement, most in (
            (CALLS["know_callers"], 4),
            (CALLS["take_up_calls"], 4),
            (CALLS["remember_offers"], 4),
            (READINESS["recent_calls"], 50),
        ):
            values = {each: about[each] for each in statement.parameters}
            read = await read_by(busy, *statement(**values))
            assert read
            for place, rows in read.items():
                assert rows <= most, (statement.name, place, rows)
