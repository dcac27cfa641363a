"""A line that stops itself, what the provider's refusals teach, and the alerts that follow."""

import asyncio
from dataclasses import replace
from ipaddress import ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from core.access.keys import put_key
from ivr_bridge.aftermath import TIDY
from ivr_bridge.guard import alerts, pauses
from ivr_bridge.guard.alerts import Alert
from ivr_bridge.guard.pauses import Pause
from ivr_bridge.guard.terms import (
    BudgetTerms,
    ComplaintsTerms,
    RepliesTerms,
    UnreachableTerms,
    WatchTerms,
)
from ivr_bridge.guard.watch import Health, judge
from ivr_bridge.terms import LineTerms
from tests.ivr_bridge.conftest import House

TEN = WatchTerms(
    replies=RepliesTerms(below_percent=20, of=10, within_s=60),
    complaints=ComplaintsTerms(above_percent=20, of=10),
    unreachable=UnreachableTerms(above_percent=50, of=10),
)


def number(n: int) -> str:
    return f"+790055502{n:02d}"


async def tidy(house: House) -> None:
    """What the workers do every five seconds."""
    async with house.database.workspace(house.workspace_id) as tx:
        await tx.execute("UPDATE core.job SET due_at = now() WHERE kind = $1", TIDY)
    await house.work("normal")
    house.forget()


async def standing(house: House) -> list[Alert]:
    async with house.database.workspace(house.workspace_id) as tx:
        return list(await alerts.alerts(tx))


async def paused(house: House) -> list[Pause]:
    async with house.database.workspace(house.workspace_id) as tx:
        return list(await pauses.pauses(tx))


async def call_everybody(house: House, first: int, last: int) -> None:
    told = await asyncio.gather(
        *[house.ivr.deflect(f"call-{n}", number(n), deadline_ms=4000) for n in range(first, last)]
    )
    assert {each.status for each in told} == {200}


async def change(house: House, statement: str, *values: Any) -> None:
    async with house.database.workspace(house.workspace_id) as tx:
        await tx.execute(statement, *values)


# -- the rules, by themselves ----------------------------------------------------------------------


@given(
    sample=st.integers(0, 400),
    share=st.floats(0, 1),
    rule=st.sampled_from(["replies", "complaints", "unreachable"]),
)
def test_no_line_is_stopped_on_a_sample_that_is_not_whole(sample: int, share: float, rule: str):
    terms = WatchTerms()
    found = round(sample * share)
    counts = dict.fromkeys(Health.__dataclass_fields__, 0) | {f"{rule}_of": sample, rule: found}
    verdict = judge(Health(**counts), terms)
    bounds: Any = getattr(terms, rule)
    if sample < bounds.of:
        assert verdict is None
    elif rule == "replies":
        assert (verdict is not None) == (100 * found / sample < bounds.below_percent)
    else:
        assert (verdict is not None) == (100 * found / sample > bounds.above_percent)


# -- a line that stops itself ----------------------------------------------------------------------


async def test_numbers_at_random_pause_the_line_and_somebody_is_told(house: House):
    await house.change_line(terms=LineTerms(watch=TEN))
    for n in range(6):
        await house.network.behave(number(n), "not_on_whatsapp")
    await call_everybody(house, 0, 9)
    await tidy(house)
    assert await paused(house) == [], "nine are no sample"
    await call_everybody(house, 9, 10)
    await tidy(house)
    (pause,) = await paused(house)
    assert (pause.kind, pause.subject, pause.paused_by) == ("line", "main", "watch")
    assert pause.why == "unreachable: 6 of the latest 10 openings"
    (alert,) = await standing(house)
    assert (alert.kind, alert.subject) == ("line_paused", "main")
    assert (await house.ivr.eligible("call-20", number(20))).reason == "paused"
    assert await house.value("SELECT actor_kind FROM core.audit") == "system"
    # Lifted, it is counted anew: what was judged already does not stop it again.
    async with house.database.workspace(house.workspace_id) as tx:
        await pauses.lift(tx, pauses.Paused("line", "main"))
    await tidy(house)
    assert await paused(house) == []
    assert (await house.ivr.deflect("call-21", number(21))).action == "hangup"


async def test_nobody_answers_or_too_many_complain(house: House):
    await house.change_line(terms=LineTerms(watch=TEN))
    await call_everybody(house, 0, 10)
    await house.network.ask("POST", "/sandbox/webhooks/flush", {})
    await change(
        house, "UPDATE messaging.message SET status = 'delivered' WHERE purpose = 'opening'"
    )
    await tidy(house)
    assert await paused(house) == [], "there was no time to answer"
    await change(
        house, "UPDATE ivr_bridge.deflection SET created_at = created_at - interval '90 seconds'"
    )
    await change(
        house,
        "INSERT INTO ivr_bridge.fact (workspace_id, deflection_id, fact, at)"
        " SELECT workspace_id, deflection_id, 'engaged', now() FROM ivr_bridge.deflection LIMIT 2",
    )
    await tidy(house)
    assert await paused(house) == []
    await change(house, "DELETE FROM ivr_bridge.fact WHERE fact = 'engaged'")
    await tidy(house)
    assert [pause.why for pause in await paused(house)] == ["replies: 0 of the latest 10 openings"]
    await change(house, "DELETE FROM ivr_bridge.pause")
    await change(
        house,
        "INSERT INTO ivr_bridge.fact (workspace_id, deflection_id, fact, at)"
        " SELECT workspace_id, deflection_id, 'not_me', now() FROM ivr_bridge.deflection LIMIT 3",
    )
    await tidy(house)
    assert [p.why for p in await paused(house)] == ["complaints: 3 of the latest 10 openings"]
    await house.change_line(terms=LineTerms(watch=WatchTerms(enabled=False)))
    await change(house, "DELETE FROM ivr_bridge.pause")
    await tidy(house)
    assert await paused(house) == []


# -- what the provider allows ----------------------------------------------------------------------


async def test_users_of_the_day_are_counted_once_each_from_the_rows(house: House):
    await change(
        house,
        'UPDATE messaging.account SET settings = settings || \'{"users_per_day": "3"}\','
        " version = version + 1",
    )
    await call_everybody(house, 0, 2)
    assert (await house.ivr.deflect("again", number(1))).action == "hangup"
    await tidy(house)
    assert await house.value("SELECT users_today FROM ivr_bridge.account_pace") == 2
    assert (await house.ivr.eligible("more", number(3))).reason == "ok"
    await call_everybody(house, 3, 4)
    await tidy(house)
    assert (await house.ivr.eligible("more-2", number(5))).reason == "channel_quota"
    assert [alert.kind for alert in await standing(house)] == ["channel_quota"]
    await change(
        house, "UPDATE ivr_bridge.deflection SET created_at = created_at - interval '24 hours'"
    )
    await tidy(house)
    assert (await house.ivr.eligible("more-3", number(5))).reason == "ok"


async def test_a_template_that_is_refused_again_and_again_is_not_offered(house: House):
    await call_everybody(house, 0, 8)
    await change(
        house,
        "UPDATE messaging.message SET failed_at = now(), failed_code = '132001',"
        " failed_class = 'template', status = 'accepted' WHERE message_id IN"
        " (SELECT message_id FROM messaging.message WHERE purpose = 'opening' LIMIT 5)",
    )
    await tidy(house)
    assert (await house.ivr.eligible("more", number(20))).reason == "template_blocked"
    (alert,) = await standing(house)
    assert (alert.kind, alert.subject) == ("template_blocked", "whatsapp/call_to_chat/ru")


# code, what the IVR is told, and what somebody is called for (CHANNELS: the error table)
REFUSED = [
    (130429, "channel_throttled", []),
    (131056, "channel_throttled", []),
    (131016, "channel_throttled", []),
    (131026, "not_on_channel", []),
    (131030, "not_on_channel", []),
    (131062, "not_on_channel", []),
    (131050, "opted_out", []),
    (131049, "frequency_cap", []),
    (130472, "frequency_cap", []),
    (131047, "window_closed", []),
    (132001, "template_blocked", [("template_blocked", "main")]),
    (
        132015,
        "template_blocked",
        [("template_blocked", "main"), ("template_blocked", "whatsapp/call_to_chat/ru")],
    ),
    (190, "channel_down", [("channel_stopped", "whatsapp")]),
    (131042, "channel_down", [("channel_stopped", "whatsapp")]),
]


async def test_each_refusal_of_the_provider_calls_for_whom_it_concerns(house: House):
    for n, (code, reason, called) in enumerate(REFUSED):
        await house.network.behave(number(n), "refused", code=code)
        told = await house.ivr.deflect(f"code-{code}", number(n), deadline_ms=4000)
        assert (code, told.action, told.reason) == (code, "continue", reason)
        await tidy(house)
        found = [(alert.kind, alert.subject) for alert in await standing(house)]
        assert (code, sorted(found)) == (code, called)
        for statement in (
            "UPDATE ivr_bridge.deflection SET created_at = created_at - interval '1 hour'",
            "UPDATE messaging.account SET stopped_until = NULL, stopped_code = NULL",
            "UPDATE messaging.template SET state = 'approved'",
            "DELETE FROM ivr_bridge.alert",
        ):
            await change(house, statement)
        house.forget()


async def test_a_key_that_is_tried_from_elsewhere_rings_the_bell(house: House):
    async with house.database.workspace(house.workspace_id) as tx:
        networks = [ip_network("192.0.2.0/24")]
        await put_key(tx, name="pbx", key="k" * 32, scopes=["ivr"], networks=networks)
    thief, stranger = replace(house.ivr, key="k" * 32), replace(house.ivr, key="u" * 32)
    unknown = REGISTRY.get_sample_value("ivr_bridge_keys_unknown_total") or 0
    assert {(await stranger.eligible()).status for _ in range(5)} == {401}
    assert {(await thief.eligible()).status for _ in range(2)} == {403}
    await tidy(house)
    assert await standing(house) == [], "a key of nobody's, and a slip"
    assert REGISTRY.get_sample_value("ivr_bridge_keys_unknown_total") == unknown + 5
    told = await asyncio.gather(*[thief.deflect(f"call-{n}") for n in range(40)])
    assert {(each.status, each.action) for each in told} == {(403, "continue")}
    await tidy(house)
    (alert,) = await standing(house)
    assert (alert.kind, alert.subject) == ("key_refused", "pbx")
    assert 20 < alert.facts["address"] <= 42
    assert await house.value("SELECT count(*) FROM core.refused_key") <= 2
    await change(house, "UPDATE core.refused_key SET minute = minute - interval '2 hours'")
    await change(house, "UPDATE ivr_bridge.alert SET opened_at = opened_at - interval '1 hour',"
                 " seen_at = seen_at - interval '1 hour'")  # fmt: skip
    await tidy(house)
    assert await standing(house) == []
    assert await house.value("SELECT count(*) FROM core.refused_key") == 0
    assert await house.network.counts() == {}


# -- a stolen key ----------------------------------------------------------------------------------


async def spend_all(house: House, *, numbers: int, clients: int, budget: int) -> None:
    """Somebody has the key and writes to everybody; who looks after the service hears of it."""
    await house.change_line(terms=LineTerms(budget=BudgetTerms(hour=budget)))
    waiting = iter(range(numbers))
    reasons: list[str] = []

    async def client() -> None:
        for n in waiting:
            told = await house.ivr.deflect(f"stolen-{n}", f"+7900{n:07d}", deadline_ms=4000)
            reasons.append(told.reason if told.status == 200 else str(told.status))
            # A worker looks again and again while it goes on, not when it is over.
            if n % 100 == 99:
                await tidy(house)

    await asyncio.gather(*[client() for _ in range(clients)])
    await tidy(house)
    on_the_wire = sum((await house.network.counts()).values())
    assert on_the_wire <= budget
    assert on_the_wire >= budget * 0.7, "a spent budget was of some use"
    assert reasons.count("budget") >= numbers - budget - reasons.count("503") - reasons.count(
        "deadline"
    )
    found = {(alert.kind, alert.subject) for alert in await standing(house)}
    assert ("budget", "main") in found
    opened_s = await house.value(
        "SELECT extract(epoch FROM opened_at - (SELECT min(created_at) FROM ivr_bridge.deflection"
        " WHERE reason = 'budget'))::float8 FROM ivr_bridge.alert WHERE kind = 'budget'"
    )
    assert opened_s < 60
    # Found again it is the same alert, and open in the figures; when nobody refuses any more it closes.
    await tidy(house)
    assert len(await standing(house)) == len(found)
    labels = {"workspace": str(house.workspace_id), "kind": "budget"}
    assert REGISTRY.get_sample_value("ivr_bridge_alert_open", labels) == 1
    await change(
        house, "UPDATE ivr_bridge.deflection SET created_at = created_at - interval '1 hour'"
    )
    await change(house, "UPDATE ivr_bridge.alert SET opened_at = opened_at - interval '1 hour',"
                 " seen_at = seen_at - interval '1 hour'")  # fmt: skip
    await tidy(house)
    assert "budget" not in {alert.kind for alert in await standing(house)}
    assert REGISTRY.get_sample_value("ivr_bridge_alert_open", labels) == 0


async def test_a_stolen_key_spends_no_more_than_the_budget_and_rings_the_bell(house: House):
    await spend_all(house, numbers=120, clients=20, budget=12)


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_ten_thousand_numbers_against_a_small_budget(house: House):
    await spend_all(house, numbers=10_000, clients=50, budget=200)
