"""Rules as an IVR meets them: over HTTP, with what the database remembers about the caller."""

from datetime import timedelta
from typing import Any

from core.clock import utc_now
from ivr_bridge.lines import put_unwanted
from ivr_bridge.policy import draw, period_of
from ivr_bridge.terms import LineTerms
from tests.ivr_bridge.conftest import CALLER, House, Told

OTHER = "+79005550102"
THIRD = "+79005550103"


async def on(house: House, **policy: Any) -> None:
    await house.change_line(terms=LineTerms.model_validate({"policy": policy}))


async def ago(house: House, seconds: float) -> None:
    """What was answered and sent so far happened this much earlier."""
    back = timedelta(seconds=seconds)
    async with house.database.workspace(house.workspace_id) as tx:
        await tx.execute("UPDATE ivr_bridge.eligibility SET at = at - $1::interval", back)
        await tx.execute(
            "UPDATE ivr_bridge.call SET first_seen_at = first_seen_at - $1::interval", back
        )
        await tx.execute(
            "UPDATE ivr_bridge.deflection SET created_at = created_at - $1::interval,"
            " decided_at = decided_at - $1::interval",
            back,
        )


def entry(told: Told, name: str) -> dict[str, Any]:
    (found,) = [each for each in told.json["trace"] if each["rule"] == name]
    return dict(found)


async def test_what_the_ivr_tells_decides_before_the_offer_and_never_after_it(house: House):
    await on(
        house,
        peak={"voice_wait_s": 180, "queue_position": 10},
        intents={"never": ["fraud"]},
        require_language=True,
        hours={"week": {"mon-sun": "00:00-24:00"}},
    )
    quiet = await house.ivr.eligible("a", voice_wait_s=20)
    assert (quiet.action, quiet.reason) == ("continue", "below_peak")
    assert quiet.json["prompt_key"] == "stay_on_line"
    assert (await house.ivr.eligible("a", queue_position=10)).action == "offer"
    assert (await house.ivr.eligible("b", intent="Fraud")).reason == "intent_excluded"
    assert (await house.ivr.eligible("c", language="de")).reason == "language"
    assert (await house.ivr.eligible("d", intent="a\x00b\ud800")).action == "offer"
    await on(house, hours={"week": {"mon-sun": "00:00-24:00"}, "dates": _around_today()})
    assert (await house.ivr.eligible("e")).reason == "outside_hours"
    await on(house, incident=True)
    assert (await house.ivr.eligible("f")).reason == "incident"
    promised = await house.ivr.deflect(
        "g", voice_wait_s=1, queue_position=1, intent="fraud", language="de"
    )
    assert (promised.action, promised.reason) == ("hangup", "ok")


def _around_today() -> dict[str, list[str]]:
    today = utc_now().date()
    return {str(today + timedelta(days)): [] for days in (-1, 0, 1)}


async def test_calls_on_the_line_make_a_peak(house: House):
    await on(house, peak={"calls": 3, "calls_within_min": 10})
    assert (await house.ivr.eligible("one")).reason == "below_peak"
    await house.ivr.event("entered", "two", caller=OTHER)
    await house.ivr.event("entered", "three", caller=THIRD)
    for remembered in house.fresh:
        remembered.clear()
    assert (await house.ivr.eligible("four")).action == "offer"
    await ago(house, 700)
    for remembered in house.fresh:
        remembered.clear()
    assert (await house.ivr.eligible("five")).reason == "below_peak"


async def test_both_waits_decide(house: House):
    await on(house, chat={"faster_by_s": 60, "staffed": True})
    nobody = await house.ivr.eligible("a", voice_wait_s=540)
    assert (nobody.reason, nobody.json["chat_wait_s"]) == ("chat_full", None)
    async with house.database.workspace(house.workspace_id) as tx:
        await tx.execute(
            "WITH someone AS (INSERT INTO core.person (workspace_id, person_id, email, name, roles)"
            " VALUES ($1, gen_random_uuid(), 'a@b.c', 'A', '{operator}') RETURNING person_id),"
            " state AS (INSERT INTO handoff.operator_state (workspace_id, operator_id, capacity, declared, link, since)"
            " SELECT $1, person_id, 2, 'online', 'connected', now() FROM someone)"
            " INSERT INTO handoff.queue_member (workspace_id, queue_id, operator_id)"
            " SELECT $1, queue_id, person_id FROM someone, handoff.queue WHERE name = 'orders'",
            house.workspace_id,
        )
    for remembered in house.fresh:
        remembered.clear()
    slower = await house.ivr.eligible("b", voice_wait_s=60)
    assert (slower.reason, slower.json["chat_wait_s"]) == ("chat_slower", 0)
    assert (await house.ivr.eligible("c", voice_wait_s=61)).action == "offer"
    assert (await house.ivr.eligible("d")).action == "offer"


async def test_an_offer_is_remembered_within_the_call_and_after_it(house: House):
    await on(
        house,
        offers={"every_s": 60, "per_call": 2, "ignored": {"at_most": 2, "within_s": 86_400}},
    )
    assert (await house.ivr.eligible("queue")).action == "offer"
    assert (await house.ivr.eligible("queue")).action == "offer", "a repeated request"
    await ago(house, 4)
    assert (await house.ivr.eligible("queue")).action == "offer", "and again"
    await ago(house, 4)
    assert (await house.ivr.eligible("queue")).reason == "frequency_cap", "not for ever"
    await ago(house, 26)
    assert (await house.ivr.eligible("queue")).reason == "frequency_cap"
    await ago(house, 30)
    await house.ivr.event("offered", "queue")
    assert (await house.ivr.eligible("queue")).action == "offer"
    await house.ivr.event("offered", "queue", event_id="again")
    await ago(house, 120)
    assert (await house.ivr.eligible("queue")).reason == "frequency_cap"
    assert (await house.ivr.eligible("tomorrow")).action == "offer"
    tired = await house.ivr.eligible("later", dry_run=True)
    assert tired.reason == "frequency_cap"
    assert entry(tired, "not_tired")["found"] == {"ignored": 2}
    assert (await house.ivr.eligible("another", OTHER)).action == "offer"
    await house.ivr.event("declined", "tomorrow")
    assert (await house.ivr.eligible("tomorrow")).reason == "declined"
    await ago(house, 90_000)
    assert (await house.ivr.eligible("next-week")).action == "offer"


async def test_one_person_gets_so_many_openings_and_whoever_chats_gets_theirs(house: House):
    await on(house, frequency=[{"at_most": 1, "within_s": 1200}])
    assert (await house.ivr.deflect("one")).action == "hangup"
    again = await house.ivr.deflect("two")
    assert (again.action, again.reason) == ("continue", "frequency_cap")
    keyed = await house.ivr.deflect("three", "anonymous", messenger_number=CALLER)
    assert keyed.reason == "frequency_cap"
    assert (await house.ivr.deflect("four", OTHER)).action == "hangup"
    await ago(house, 1300)
    assert (await house.ivr.deflect("five")).action == "hangup"
    assert await house.network.counts() == {CALLER: 2, OTHER: 1}


async def test_a_chat_that_is_gone_on_with_is_no_opening(house: House):
    await on(house, frequency=[{"at_most": 2, "within_s": 1200}])
    assert (await house.ivr.deflect("one")).reason == "ok"
    message = {"type": "text", "text": {"body": "Где мой заказ?"}}
    inbound = {"account": "100000000000001", "from": CALLER, "message": message}
    await house.network.ask("POST", "/sandbox/inbound", inbound)
    await house.network.ask("POST", "/sandbox/webhooks/flush", {})
    await house.work("inbound")
    for call_id in ("two", "three"):
        assert (await house.ivr.deflect(call_id)).reason == "resumed"
    async with house.database.workspace(house.workspace_id) as tx:
        await tx.execute(
            "UPDATE handoff.conversation SET state = 'closed', closed_at = now(), closed_reason = 'over'"
        )
    assert (await house.ivr.deflect("four")).reason == "ok"
    assert (await house.ivr.deflect("five")).reason == "frequency_cap"


async def test_whoever_must_not_be_written_to_is_not_by_any_question(house: House):
    async with house.database.workspace(house.workspace_id) as tx:
        await put_unwanted(tx, ["+7900555010*", "+79161234567"])
    for remembered in house.fresh:
        remembered.clear()
    for caller in (CALLER, "+79161234567"):
        assert (await house.ivr.eligible(caller, caller)).reason == "opted_out"
        assert (await house.ivr.deflect(caller, caller)).reason == "opted_out"
    assert (await house.ivr.eligible("x", "+79161234568")).action == "offer"
    async with house.database.workspace(house.workspace_id) as tx:
        await put_unwanted(tx, ["+79161234567"])
    assert (await house.ivr.eligible("y")).action == "offer"
    assert await house.network.counts() == {}


async def test_only_prompts_that_count_are_consent(house: House):
    await on(house, consent={"prompt_versions": ["wa-1", "wa-2"]})
    wrong = await house.ivr.deflect("a", consent={"given": True, "prompt_version": "wa-0"})
    assert (wrong.action, wrong.reason) == ("continue", "no_consent")
    assert (await house.ivr.deflect("b", consent={"given": True})).action == "hangup"
    right = await house.ivr.deflect("c", OTHER, consent={"prompt_version": "wa-2"})
    assert right.action == "hangup"


async def test_the_held_out_are_offered_nothing_stay_so_and_get_what_they_ask_for(house: House):
    await on(house, hold_out={"of": 0.5, "period_days": 30})
    key = await house.value("SELECT draw_key FROM ivr_bridge.line")
    today = (await house.value("SELECT now() AT TIME ZONE timezone FROM core.workspace")).date()
    callers = [f"+7900555{number:04d}" for number in range(200, 216)]
    out = [draw(key, "hold_out", each, period_of(today, 30)) < 0.5 for each in callers]
    assert any(out)
    assert not all(out)
    for caller, held in zip(callers, out, strict=True):
        told = await house.ivr.eligible(caller, caller)
        said = (told.action, told.reason, told.json["variant"])
        assert said == (("continue", "hold_out", "hold_out") if held else ("offer", "ok", "treat"))
    arms = await house.rows("SELECT arm, action, trace FROM ivr_bridge.eligibility")
    assert [row["arm"] for row in arms].count("hold_out") == sum(out)
    kept = callers[out.index(True)]
    assert (await house.ivr.eligible("next call", kept)).reason == "hold_out"
    elsewhere = await house.ivr.eligible("third call", kept, intent="x", language="de")
    assert elsewhere.reason == "hold_out"
    await on(house, hold_out={"of": 0.5, "period_days": 30}, incident=True)
    first = await house.ivr.eligible("refused first", kept)
    assert (first.reason, first.json["variant"]) == ("incident", "treat")
    crossing = await house.ivr.deflect("next call", kept)
    assert (crossing.action, crossing.reason) == ("hangup", "ok")
    straight = await house.ivr.deflect("straight", callers[out.index(False)])
    assert straight.action == "hangup"
    crossed = await house.rows(
        "SELECT crossed_over, evidence_source, began_ms FROM ivr_bridge.deflection ORDER BY created_at"
    )
    assert [row["crossed_over"] for row in crossed] == [True, False]
    assert all(0 <= row["began_ms"] < 2000 for row in crossed)


async def test_a_rehearsal_asks_every_rule_and_writes_nothing(house: House):
    await on(
        house,
        incident=True,
        peak={"voice_wait_s": 100},
        share={"of": 0},
        consent={"prompt_versions": ["wa-1"]},
    )
    before = await _everything(house)
    would = await house.ivr.eligible("a", dry_run=True, voice_wait_s=5)
    assert (would.action, would.reason) == ("continue", "incident")
    refused = {each["rule"] for each in would.json["trace"] if each["saw"] == "refused"}
    assert refused == {"no_incident", "peak", "in_share"}
    moved = await house.ivr.deflect(
        "a", dry_run=True, voice_wait_s=5, consent={"prompt_version": "old"}
    )
    assert (moved.action, moved.reason) == ("continue", "no_consent")
    assert entry(moved, "peak")["found"] == {"voice_wait_s": 5}
    allowed = await house.ivr.deflect("a", dry_run=True, voice_wait_s=5)
    assert (allowed.action, allowed.reason) == ("continue", "ok")
    assert await _everything(house) == before
    assert await house.network.counts() == {}


async def _everything(house: House) -> dict[str, int]:
    tables = await house.rows(
        "SELECT schemaname || '.' || tablename AS name FROM pg_tables"
        " WHERE schemaname IN ('ivr_bridge', 'handoff', 'messaging')"
        "   AND has_table_privilege(schemaname || '.' || tablename, 'SELECT')"
    )
    return {row["name"]: await house.value(f"SELECT count(*) FROM {row['name']}") for row in tables}


async def test_what_refuses_after_the_rules_shows_in_the_trace(house: House):
    async with house.database.workspace(house.workspace_id) as tx:
        await tx.execute(
            "UPDATE messaging.account SET version = version + 1,"
            ' settings = settings || \'{"messages_per_second": "0.1"}\''
        )
    house.forget()
    first = await house.ivr.deflect("a")
    assert first.reason == "ok"
    second = await house.ivr.deflect("b", OTHER)
    assert second.reason == "channel_throttled"
    trace = await house.value(
        "SELECT trace FROM ivr_bridge.deflection WHERE reason = 'channel_throttled'"
    )
    assert trace[-1] == {"rule": "channel_throttled", "saw": "refused"}
