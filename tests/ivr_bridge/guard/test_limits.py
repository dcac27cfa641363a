"""Pauses, countries, counts and budgets over real HTTP: what refuses, with which reason, and when."""

import asyncio
from typing import Any

import pytest

from core.vocabulary import PhoneNumber
from ivr_bridge.guard import pauses
from ivr_bridge.guard.countries import country_of, may_write_to
from ivr_bridge.guard.pauses import NothingNamed, NothingPaused, Paused
from ivr_bridge.guard.terms import BudgetTerms, Caps, VelocityTerms
from ivr_bridge.terms import LineTerms
from tests.ivr_bridge.conftest import CALLER, LINE, House


def terms(**parts: Any) -> LineTerms:
    return LineTerms(**parts)


async def both(house: House, call_id: str, caller: str = CALLER, **more: Any) -> tuple[str, str]:
    """What eligibility says, then what deflection says."""
    offered = await house.ivr.eligible(call_id, caller, **more)
    told = await house.ivr.deflect(call_id, caller, **more)
    assert told.action == ("hangup" if told.reason in {"ok", "resumed"} else "continue")
    return offered.reason, told.reason


def number(n: int) -> str:
    return f"+790055501{n:02d}"


# -- pauses ----------------------------------------------------------------------------------------


async def test_what_is_paused_sends_nothing_until_it_is_lifted(house: House):
    for what in ("all", "line:main", "main", "channel:whatsapp", LINE):
        async with house.database.workspace(house.workspace_id) as tx:
            paused = await pauses.named(tx, what)
            await pauses.pause(tx, paused, for_s=None, why="a flood")
        house.forget()
        assert await both(house, f"paused {what}") == ("paused", "paused")
        trace = await house.value(
            "SELECT trace FROM ivr_bridge.deflection ORDER BY created_at DESC LIMIT 1"
        )
        refused = {"rule": "not_paused", "saw": "refused", "found": {"paused": paused.kind}}
        assert trace[-1] == refused
        async with house.database.workspace(house.workspace_id) as tx:
            await pauses.lift(tx, paused)
            with pytest.raises(NothingPaused):
                await pauses.lift(tx, paused)
    async with house.database.workspace(house.workspace_id) as tx:
        with pytest.raises(NothingNamed):
            await pauses.named(tx, "nobody")
    house.forget()
    assert await both(house, "call-2") == ("ok", "ok")
    assert await house.network.counts() == {CALLER: 1}


async def test_a_pause_ends_by_itself_and_a_new_one_replaces_it(house: House):
    line = Paused("line", "main")
    async with house.database.workspace(house.workspace_id) as tx:
        await pauses.pause(tx, line, for_s=3600)
        await pauses.pause(tx, line, for_s=60, why="shorter")
        (standing,) = await pauses.pauses(tx)
        assert standing.why == "shorter"
        await tx.execute("UPDATE ivr_bridge.pause SET until_at = now() - interval '1 second'")
    house.forget()
    assert await both(house, "call-1") == ("ok", "ok")


async def test_a_pause_is_obeyed_within_two_seconds(house: House):
    assert await both(house, "call-1") == ("ok", "ok")
    async with house.database.workspace(house.workspace_id) as tx:
        await pauses.pause(tx, pauses.EVERYTHING, for_s=None)
    loop = asyncio.get_running_loop()
    began = loop.time()
    reason = ""
    for n in range(2000):
        reason = (await house.ivr.eligible(f"call-{n + 2}")).reason
        if reason == "paused":
            break
    assert reason == "paused"
    assert loop.time() - began < 2


# -- countries -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("caller", "countries", "may"),
    [
        (CALLER, None, True),
        ("+4915112345678", None, False),
        ("+77012345678", None, False),
        ("+4915112345678", ["RU", "DE"], True),
        ("+4915112345678", ["*"], True),
        (CALLER, ["DE"], False),
        ("+881612345678", ["*"], False),
        ("+8835100012345", ["*"], False),
        ("+870773123456", ["*"], False),
        ("+78091234567", ["*"], False),
        ("+447012345678", ["*"], False),
        ("+18095551234", ["US", "RU"], False),
        ("+5215512345678", ["MX"], True),
    ],
)
def test_only_listed_countries_and_never_premium_or_satellite_numbers(
    caller: str, countries: list[str] | None, may: bool
):
    number = PhoneNumber(caller)
    assert may_write_to(number, country_of(number), countries, "RU") is may


async def test_a_number_of_another_country_is_not_written_to(house: House):
    abroad = "+4915112345678"
    assert await both(house, "call-1", abroad) == ("country_blocked", "country_blocked")
    await house.change_line(terms=terms(countries=["RU", "DE"]))
    assert await both(house, "call-2", abroad) == ("ok", "ok")
    assert await house.network.counts() == {abroad: 1}


async def test_it_is_the_number_written_to_that_counts(house: House):
    told = await house.ivr.deflect(messenger_number="+4915112345678")
    assert told.reason == "country_blocked"


# -- velocity --------------------------------------------------------------------------------------


async def test_a_number_is_written_to_so_often_an_hour(house: House):
    await house.change_line(
        repeat_call_s=0, terms=terms(velocity=VelocityTerms(number=Caps(hour=2)))
    )
    assert await both(house, "call-1") == ("ok", "ok")
    assert await both(house, "call-2") == ("ok", "ok")
    assert await both(house, "call-3") == ("velocity", "velocity")
    assert await both(house, "call-4", number(2)) == ("ok", "ok")
    again = await house.ivr.deflect("call-1")
    assert again.reason == "ok", "a repetition counts once and is answered as before"
    trace = await house.value(
        "SELECT trace FROM ivr_bridge.deflection WHERE reason = 'velocity' LIMIT 1"
    )
    assert trace[-1]["found"] == {"used_up": "number"}
    async with house.database.workspace(house.workspace_id) as tx:
        await tx.execute("UPDATE ivr_bridge.velocity SET hour_from = hour_from - interval '1 hour'")
    assert await both(house, "call-5") == ("ok", "ok")


async def test_requests_at_the_same_moment_cannot_overshoot_and_leave_nothing_counted(house: House):
    await house.change_line(
        repeat_call_s=0,
        terms=terms(velocity=VelocityTerms(number=Caps(hour=3), prefix=Caps(hour=5))),
    )
    told = await asyncio.gather(*[house.ivr.deflect(f"call-{n}") for n in range(20)])
    assert sorted(each.reason for each in told) == ["ok"] * 3 + ["velocity"] * 17
    more = await asyncio.gather(*[house.ivr.deflect(f"more-{n}", number(n)) for n in range(2, 12)])
    assert sorted(each.reason for each in more) == ["ok"] * 2 + ["velocity"] * 8
    assert sum((await house.network.counts()).values()) == 5
    rows = await house.rows("SELECT kind, hour_used FROM ivr_bridge.velocity WHERE hour_used > 0")
    used = sorted((row["kind"], row["hour_used"]) for row in rows)
    assert used == [("number", 1), ("number", 1), ("number", 3), ("prefix", 5)]


async def test_numbers_that_callers_key_in_have_caps_of_their_own(house: House):
    keyed = VelocityTerms(
        keyed_in=Caps(hour=1), keyed_in_from=Caps(hour=2), keyed_in_line=Caps(hour=3)
    )
    await house.change_line(repeat_call_s=0, terms=terms(velocity=keyed))
    landline = "+74951234567"

    async def key_in(call_id: str, target: str, caller: str = landline) -> str:
        offered, told = await both(house, call_id, caller, messenger_number=target)
        assert offered == told
        return told

    assert await key_in("call-1", number(1)) == "ok"
    assert await key_in("call-2", number(1)) == "velocity"
    assert await key_in("call-3", number(2)) == "ok"
    assert await key_in("call-4", number(3)) == "velocity", "the same caller keyed two in already"
    assert await key_in("call-5", number(3), "anonymous") == "ok"
    assert await key_in("call-6", number(4), "anonymous") == "velocity", "three on the line"
    assert await both(house, "call-7", number(4)) == ("ok", "ok"), (
        "who calls from it is not keyed in"
    )


async def test_no_number_is_kept_where_openings_are_counted(house: House):
    await house.ivr.deflect()
    subjects = await house.rows("SELECT subject FROM ivr_bridge.velocity")
    assert subjects
    assert all(len(row["subject"]) == 16 for row in subjects)


# -- budgets ---------------------------------------------------------------------------------------


async def test_a_budget_is_never_overspent_by_requests_at_the_same_moment(house: House):
    await house.change_line(repeat_call_s=0, terms=terms(budget=BudgetTerms(hour=7)))
    told = await asyncio.gather(*[house.ivr.deflect(f"call-{n}", number(n)) for n in range(40)])
    assert sorted(each.reason for each in told) == ["budget"] * 33 + ["ok"] * 7
    assert sum((await house.network.counts()).values()) == 7
    house.forget()
    assert (await house.ivr.eligible("call-99", number(99))).reason == "budget"


async def test_what_is_not_sent_spends_nothing(house: House):
    await house.change_line(repeat_call_s=0, terms=terms(budget=BudgetTerms(day=2)))
    for n in range(5):
        assert (
            await house.ivr.deflect(f"bad-{n}", consent={"given": False})
        ).reason == "no_consent"
        assert (await house.ivr.deflect(f"dry-{n}", dry_run=True)).action == "continue"
        assert (await house.ivr.eligible(f"asked-{n}")).action == "offer"
    for n in (1, 1, 1, 2):
        assert (await house.ivr.deflect(f"call-{n}", number(n))).reason == "ok"
    assert (await house.ivr.deflect("call-3", number(3))).reason == "budget"


async def test_a_made_up_end_of_the_call_brings_no_rescue_instead(house: House):
    await house.change_line(repeat_call_s=0, terms=terms(budget=BudgetTerms(hour=0)))
    assert (await house.ivr.deflect()).reason == "budget"
    assert (await house.ivr.event("ended", at="2026-01-01T00:00:00Z")).status == 200
    await house.work("urgent", "normal", hurry=True)
    assert await house.facts() == {"caller_left"}
    assert await house.value("SELECT count(*) FROM ivr_bridge.rescue") == 0
    assert await house.network.counts() == {}


async def test_a_chat_that_goes_on_is_paid_for_when_the_accounts_users_are_used_up(house: House):
    await house.change_line(repeat_call_s=0, terms=terms(budget=BudgetTerms(hour=2)))
    assert (await house.ivr.deflect("call-1")).reason == "ok"
    message = {"type": "text", "text": {"body": "Где мой заказ?"}}
    inbound = {"account": "100000000000001", "from": CALLER, "message": message}
    await house.network.ask("POST", "/sandbox/inbound", inbound)
    await house.network.ask("POST", "/sandbox/webhooks/flush", {})
    await house.work("inbound")
    async with house.database.workspace(house.workspace_id) as tx:
        await tx.execute(
            "UPDATE messaging.account SET version = version + 1,"
            ' settings = settings || \'{"users_per_day": "1"}\''
        )
        await tx.execute(
            "INSERT INTO ivr_bridge.account_pace (workspace_id, account_id, samples, users_today)"
            " SELECT workspace_id, account_id, 0, 1 FROM messaging.account WHERE name = 'whatsapp'"
        )
    house.forget()
    assert (await house.ivr.deflect("call-2")).reason == "resumed"
    assert (await house.ivr.deflect("call-3")).reason == "budget"
    assert (await house.ivr.deflect("call-4", number(4))).reason == "channel_quota"
    assert await house.value("SELECT hour_taken FROM ivr_bridge.budget_use") == 2


async def test_the_next_hour_brings_a_new_budget_and_the_day_does_not(house: House):
    await house.change_line(repeat_call_s=0, terms=terms(budget=BudgetTerms(hour=1, day=2)))

    async def an_hour_passes() -> None:
        async with house.database.workspace(house.workspace_id) as tx:
            await tx.execute(
                "UPDATE ivr_bridge.budget_use SET hour_from = hour_from - interval '1 hour'"
            )
        house.means.guard.budget._empty_until.clear()
        house.forget()

    assert await both(house, "call-1", number(1)) == ("ok", "ok")
    house.forget()
    assert await both(house, "call-2", number(2)) == ("budget", "budget")
    await an_hour_passes()
    assert await both(house, "call-3", number(3)) == ("ok", "ok")
    await an_hour_passes()
    assert await both(house, "call-4", number(4)) == ("budget", "budget")


async def test_lines_share_a_budget_and_its_reserve_is_for_those_that_matter(house: House):
    shared = {"budget": {"hour": 10, "reserve_percent": 30}}
    async with house.database.workspace(house.workspace_id) as tx:
        await tx.execute("UPDATE core.workspace SET settings = $1", shared)
    house.forget()
    told = [await house.ivr.deflect(f"call-{n}", number(n)) for n in range(9)]
    assert [each.reason for each in told] == ["ok"] * 7 + ["budget"] * 2
    await house.change_line(repeat_call_s=0, terms=terms(budget=BudgetTerms(reserved=True)))
    house.means.guard.budget._empty_until.clear()
    told = [await house.ivr.deflect(f"more-{n}", number(20 + n)) for n in range(5)]
    assert [each.reason for each in told] == ["ok"] * 3 + ["budget"] * 2


async def test_what_stands_in_an_accounts_way_is_known_before_the_offer(house: House):
    async with house.database.workspace(house.workspace_id) as tx:
        await tx.execute(
            "UPDATE messaging.account SET version = version + 1,"
            ' settings = settings || \'{"users_per_day": "2", "messages_per_second": "0.1"}\''
        )
        await tx.execute(
            "INSERT INTO ivr_bridge.account_pace (workspace_id, account_id, samples)"
            " SELECT workspace_id, account_id, 0 FROM messaging.account"
        )
    house.forget()
    ready = await house.means.readiness.of(house.workspace_id, await house.line())
    assert ready is not None
    assert (await house.ivr.eligible("call-1")).reason == "ok"
    assert (await house.means.guard.pacing.allow(ready.account, None)).allowed
    assert (await house.ivr.eligible("call-2")).reason == "channel_throttled"
    async with house.database.workspace(house.workspace_id) as tx:
        await tx.execute("UPDATE ivr_bridge.account_pace SET users_today = 2")
    house.forget()
    assert await both(house, "call-3") == ("channel_quota", "channel_quota")
    async with house.database.workspace(house.workspace_id) as tx:
        await tx.execute(
            "UPDATE ivr_bridge.account_pace SET users_today = 1,"
            " refused_templates = '{call_to_chat/ru}'"
        )
    house.forget()
    assert await both(house, "call-4") == ("template_blocked", "template_blocked")
    assert await house.network.counts() == {}
