import asyncio

import aiohttp
import pytest

from sandbox.behaviours import plan
from sandbox.client import SandboxClient
from sandbox.specs import Behaviour, Manner
from tests.sandbox.conftest import ACCOUNT, CALLER, SECRET, Cloud, account, opening
from tests.sandbox.receiver import Receiver, signature

STORIES = [
    ("reachable", ["sent", "delivered"], None),
    ("not_on_whatsapp", ["failed"], 131026),
    ("not_on_whatsapp_after_sent", ["sent", "failed"], 131026),
    ("offline", ["sent"], None),
    ("reorder", ["delivered", "sent"], None),
    ("duplicates", ["sent", "sent", "sent", "delivered", "delivered", "delivered"], None),
    ("slow", ["sent", "delivered"], None),
    ("late", ["sent", "delivered"], None),
    ("blocked", ["sent"], None),
    ("ecosystem", ["failed"], 131049),
    ("fails", ["sent", "failed"], 131000),
]


@pytest.mark.parametrize(("behaviour", "expected", "code"), STORIES)
async def test_each_behaviour_tells_its_story(
    sandbox: SandboxClient,
    cloud: Cloud,
    ear: Receiver,
    behaviour: str,
    expected: list[str],
    code: int | None,
) -> None:
    await sandbox.behave(CALLER, behaviour, accepted_ms=0, slow_ms=0)
    status, answer = await cloud.send(opening())
    assert status == 200
    await sandbox.advance(60)
    assert await sandbox.flush() == 0
    assert [one["status"] for one in ear.statuses] == expected
    assert {one["id"] for one in ear.statuses} == {answer["messages"][0]["id"]}
    assert {one["biz_opaque_callback_data"] for one in ear.statuses} == {"row-1"}
    assert {one["recipient_id"] for one in ear.statuses} == {"79005550101"}
    codes = [error["code"] for one in ear.statuses for error in one.get("errors", [])]
    assert codes == ([code] if code else [])


@pytest.mark.parametrize("behaviour", ["silent", "manual"])
async def test_some_numbers_say_nothing(
    sandbox: SandboxClient, cloud: Cloud, ear: Receiver, behaviour: str
) -> None:
    await sandbox.behave(CALLER, behaviour)
    assert (await cloud.send(opening()))[0] == 200
    await sandbox.advance(86_400)
    assert await sandbox.flush() == 0
    assert ear.posts == []


def test_every_behaviour_has_a_plan() -> None:
    plans = {behaviour: plan(Manner(behaviour=behaviour)) for behaviour in Behaviour}
    silent = {name for name, steps in plans.items() if not steps}
    assert silent == {"silent", "manual", "held", "throttled", "refused"}
    assert all(step.after_s >= 15 for step in plans[Behaviour.LATE])


async def test_throttled_answers_429_and_recovers_after_so_many(
    sandbox: SandboxClient, cloud: Cloud
) -> None:
    await sandbox.behave(CALLER, "throttled", times=2)
    assert [await cloud.refused(opening()) for _ in range(2)] == [130429, 130429]
    assert (await cloud.send(opening()))[0] == 200


async def test_refused_answers_with_the_code_it_was_told(
    sandbox: SandboxClient, cloud: Cloud
) -> None:
    await sandbox.behave(CALLER, "refused", code=131031)
    assert await cloud.refused(opening()) == 131031


async def test_breaks_closes_the_connection_but_the_message_arrives(
    sandbox: SandboxClient, cloud: Cloud, ear: Receiver
) -> None:
    await sandbox.behave(CALLER, "breaks")
    with pytest.raises(aiohttp.ClientError):
        await cloud.send(opening())
    await sandbox.advance(1)
    await ear.until(lambda heard: len(heard.statuses) == 2)
    assert ear.statuses[0]["biz_opaque_callback_data"] == "row-1"
    (request,) = await sandbox.wire(CALLER)
    assert (request["status"], request["wamid"]) == (0, ear.statuses[0]["id"])


async def test_slow_answers_late_but_reports_in_time(
    sandbox: SandboxClient, cloud: Cloud, ear: Receiver
) -> None:
    await sandbox.behave(CALLER, "slow", slow_ms=60_000, sent_ms=1)
    sending = asyncio.create_task(cloud.send(opening()))
    await ear.until(lambda heard: bool(heard.statuses))
    assert ear.statuses[0]["status"] == "sent"
    assert not sending.done()
    sending.cancel()


async def test_held_waits_for_the_judge(sandbox: SandboxClient, cloud: Cloud) -> None:
    await sandbox.behave(CALLER, "held")
    sending = asyncio.create_task(cloud.send(opening()))
    (request,) = await sandbox.wire(CALLER, wait_ms=5000)
    assert request["status"] is None
    assert not sending.done()
    assert await sandbox.release(CALLER) == 1
    assert (await sending)[0] == 200
    assert await sandbox.release(CALLER) == 0


async def test_an_offline_phone_gets_the_message_when_it_returns_in_time(
    sandbox: SandboxClient, cloud: Cloud, ear: Receiver
) -> None:
    await sandbox.behave(CALLER, "offline")
    await cloud.send(opening())
    await sandbox.advance(59)
    await sandbox.online(CALLER, True)
    await ear.until(lambda heard: len(heard.statuses) == 2)
    assert [one["status"] for one in ear.statuses] == ["sent", "delivered"]


async def test_an_expired_template_is_dropped_without_a_word(
    sandbox: SandboxClient, cloud: Cloud, ear: Receiver
) -> None:
    await sandbox.behave(CALLER, "offline")
    await cloud.send(opening())
    await sandbox.advance(61)
    await sandbox.online(CALLER, True)
    assert await sandbox.flush() == 0
    assert [one["status"] for one in ear.statuses] == ["sent"]
    assert (await sandbox.counters())["counters"]["expired"] == 1
    assert await sandbox.phone(CALLER).messages(ACCOUNT) == []


async def test_the_judge_can_send_any_status(
    sandbox: SandboxClient, cloud: Cloud, ear: Receiver
) -> None:
    await sandbox.behave(CALLER, "manual")
    await cloud.send(opening())
    await sandbox.status("failed", to=CALLER, code=131026, copies=2)
    await ear.until(lambda heard: len(heard.statuses) == 2)
    assert {one["errors"][0]["code"] for one in ear.statuses} == {131026}


async def test_only_the_first_statuses_carry_pricing(
    sandbox: SandboxClient, cloud: Cloud, ear: Receiver
) -> None:
    await sandbox.phone(CALLER).open_chat(ACCOUNT)
    await cloud.send(opening())
    await sandbox.advance(1)
    await sandbox.advance(1)
    await ear.until(lambda heard: len(heard.statuses) == 3)
    priced = {one["status"]: one["pricing"] for one in ear.statuses if "pricing" in one}
    assert set(priced) == {"sent", "delivered"}
    assert priced["sent"]["pricing_model"] == "PMP"
    assert priced["delivered"]["category"] == "utility"


async def test_the_same_seed_gives_the_same_ids(sandbox: SandboxClient, cloud: Cloud) -> None:
    _, answer = await cloud.send(opening())
    wamid = answer["messages"][0]["id"]
    assert wamid == "wamid.HAs3OTAwNTU1MDEwMRUCABEYEjlFNzA2OTZCNzVCNkFGQjgyRAA="


async def test_statuses_are_signed_and_shaped_as_metas(
    sandbox: SandboxClient, cloud: Cloud, ear: Receiver
) -> None:
    await sandbox.register(account(ear, bsuid="both"))
    await cloud.send(opening())
    await sandbox.advance(1)
    await ear.until(lambda heard: len(heard.statuses) == 2)
    body, given = ear.posts[0]
    assert given == signature(SECRET, body)
    value = ear.values[0]
    assert value["messaging_product"] == "whatsapp"
    assert value["metadata"] == {
        "display_phone_number": "78002500000",
        "phone_number_id": ACCOUNT,
    }
    assert value["contacts"][0]["user_id"] == value["statuses"][0]["recipient_user_id"]
    assert value["statuses"][0]["timestamp"].isdigit()
