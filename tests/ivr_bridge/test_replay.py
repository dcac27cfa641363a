"""A policy tried on recorded calls says what would have changed, and nothing does."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from config.commands.policy_replay import candidates
from config.workspaces.reading import FileRefused
from ivr_bridge.line import OpeningUse
from ivr_bridge.lines import all_lines, put_line
from ivr_bridge.policy import PolicyTerms
from ivr_bridge.replay import Replayed, replay
from ivr_bridge.reports.periods import Period
from ivr_bridge.terms import LineTerms
from tests.ivr_bridge.conftest import LINE, House, line_draft

MOSCOW = ZoneInfo("Europe/Moscow")
TODAY = datetime.now(MOSCOW).date()
PERIOD = Period(TODAY - timedelta(days=1), TODAY + timedelta(days=1), MOSCOW)


async def tried(house: House, policy: dict[str, Any], *, line: str = "main") -> Replayed:
    async with house.database.workspace(house.workspace_id, read_only=True) as tx:
        lines = {each.line_id: each for each in await all_lines(tx)}
    chosen = {
        line_id: PolicyTerms.model_validate(policy)
        for line_id, each in lines.items()
        if each.name == line
    }
    return await replay(
        house.database, house.workspace_id, lines, chosen, PERIOD, lambda done, of: None
    )


async def everything(house: House) -> list[str]:
    """All rows that a replay might touch."""
    tables = ("call", "call_event", "eligibility", "deflection", "fact")
    return [
        str(row)
        for name in tables
        for row in await house.rows(f"SELECT * FROM ivr_bridge.{name} ORDER BY 1, 2")
    ]


async def test_what_would_have_changed_by_reason(house: House):
    await house.change_line(
        terms=LineTerms.model_validate({"policy": {"intents": {"never": ["refund"]}}})
    )
    for number, (wait, intent) in enumerate(
        [(60, None), (400, None), (60, "refund"), (400, "refund")]
    ):
        caller = f"+7900555010{number}"
        await house.ivr.eligible(f"call-{number}", caller, voice_wait_s=wait, intent=intent)
    await house.ivr.event("entered", "call-9")
    before = await everything(house)
    told = (await tried(house, {"peak": {"voice_wait_s": 300}})).document()
    assert told["lines"] == [
        {
            "line": "main",
            "answers": 4,
            "decided": 4,
            "offers_before": 2,
            "offers_after": 2,
            "unchanged": 1,
            "newly_refused": {"below_peak": 1},
            "newly_offered": {"intent_excluded": 1},
            "refused_otherwise": {"intent_excluded -> below_peak": 1},
            "not_enough_recorded": {},
        }
    ]
    assert told["calls_that_never_asked"] == 1
    same = await tried(house, {"intents": {"never": ["refund"]}})
    assert same.document()["total"]["unchanged"] == 4
    assert await everything(house) == before


async def test_a_replay_of_the_live_policy_repeats_every_answer(house: House):
    """Those drawn by lot too: the same caller falls on the same side again."""
    live = {
        "share": {"of": 0.6},
        "hold_out": {"of": 0.5},
        "frequency": [{"at_most": 1, "within_s": 3600}],
    }
    await house.change_line(terms=LineTerms.model_validate({"policy": live}))
    for number in range(30):
        await house.ivr.eligible(f"call-{number}", f"+790055501{number:02d}")
    replayed = await tried(house, live)
    pairs = replayed.by_line["main"].pairs
    assert {old for old, _ in pairs} >= {"ok", "share", "hold_out"}
    assert all(old == new for old, new in pairs)
    # Another share moves the line between the same callers: nobody offered before is refused.
    more = (await tried(house, {**live, "share": {"of": 0.9}})).document()["total"]
    assert more["newly_refused"] == {}
    assert more["offers_after"] >= more["offers_before"]


async def test_what_was_not_recorded_is_counted_by_what_is_missing(house: House):
    await house.ivr.eligible("call-1")
    await house.ivr.eligible("call-2", "anonymous", messenger_number="+79005550177")
    await house.ivr.eligible("call-3", "anonymous")
    async with house.database.workspace(house.workspace_id) as tx:
        await tx.execute(
            "UPDATE ivr_bridge.eligibility SET seen = NULL WHERE reason = 'caller_withheld'"
        )
    peak = (await tried(house, {"peak": {"calls": 5}})).by_line["main"]
    assert peak.missing == {"recent_calls": 2}
    # Nobody can be offered anything without a number, whatever the policy.
    assert peak.pairs == {("caller_withheld", "caller_withheld"): 1}
    drawn = (await tried(house, {"hold_out": {"of": 0.1}})).by_line["main"]
    assert drawn.missing == {"caller": 1}
    # An earlier rule refuses: what the later one would have looked at does not matter.
    closed = (await tried(house, {"incident": True, "peak": {"calls": 5}})).by_line["main"]
    assert closed.pairs[("ok", "incident")] == 2
    async with house.database.workspace(house.workspace_id) as tx:
        await tx.execute("UPDATE ivr_bridge.eligibility SET seen = NULL")
    assert (await tried(house, {})).by_line["main"].missing == {"circumstances": 2}


async def test_each_line_has_its_own_policy_and_many_pages_add_up(house: House, monkeypatch):
    monkeypatch.setattr("ivr_bridge.replay._PAGE", 3)
    async with house.database.workspace(house.workspace_id) as tx:
        await put_line(
            tx,
            line_draft(
                name="second",
                numbers=["+78002500009"],
                opening={"ru": OpeningUse("call_to_chat", ("{line_number}",))},
            ),
        )
    house.fresh[0].clear()
    for number in range(8):
        line = LINE if number % 2 else "+78002500009"
        await house.ivr.eligible(f"call-{number}", f"+7900555010{number}", line=line)
    told = await tried(house, {"incident": True}, line="second")
    assert told.by_line.keys() == {"second"}
    assert told.by_line["second"].pairs == Counter({("ok", "incident"): 4})


def test_a_candidate_may_stand_in_three_kinds_of_file(tmp_path):
    file = tmp_path / "policy.yaml"

    def read(text: str) -> Any:
        file.write_text(text)
        return candidates(file)

    incident = PolicyTerms(incident=True)
    assert read("policy: {incident: true}") == {None: incident}
    assert read("main: {incident: true}\nspare:\n") == {"main": incident, "spare": PolicyTerms()}
    # No secret is needed to try a workspace file.
    whole = "workspace: {name: shop}\nlines: [{name: main, key: '${LINE_KEY}', policy: {incident: true}}]"
    assert read(whole) == {"main": incident}
    for wrong in ("", "[1]", "policy: {peek: 1}", "main: {peak: {}}", "a: b: c"):
        with pytest.raises(FileRefused):
            read(wrong)
