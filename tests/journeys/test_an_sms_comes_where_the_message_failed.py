"""The message failed: before the hang-up an SMS takes its place, after it an SMS leads into the chat."""

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from sandbox.client import Phone
from tests.conftest import Servers
from tests.journeys.house import changed_workspace, new_phone, running
from tests.journeys.story import is_offered_chat
from tests.journeys.test_a_message_that_fails_after_the_hangup_becomes_one_call_back import (
    stranded,
)
from tests.product import ACCOUNT, Product

SMS = "sms"
LINK = re.compile(r"http://\S+/go/[0-9a-z]{20}")
TERMS = """
    rescue:
      by: sms
      channel: sms
      text:
        ru: "{brand}: сообщение не дошло. Продолжить в чате: {link}"
    channels:
      - channel: whatsapp
      - {channel: sms, text: {ru: "{brand}: вы звонили на {line_number}. Ответьте на это SMS."}}
"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def own_product(
    servers: Servers, template: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Product]:
    folder = tmp_path_factory.mktemp("sms")
    changes = {"    confirm: sent\n": f"    confirm: sent{TERMS}"}
    workspace = changed_workspace(folder, changes)
    async with running(servers, template, folder, workspace=workspace) as product:
        yield product


async def rescue_of(product: Product, phone: Phone) -> dict[str, Any]:
    rows = await product.until("SELECT * FROM ivr_bridge.rescue WHERE caller = $1", phone.number)
    assert len(rows) == 1
    return dict(rows[0])


async def facts_of(product: Product, deflection: str) -> set[str]:
    rows = await product.rows(
        "SELECT f.fact FROM ivr_bridge.fact f JOIN ivr_bridge.rescue r USING (deflection_id)"
        " WHERE r.caller = $1",
        deflection,
    )
    return {row["fact"] for row in rows}


async def test_the_link_is_tapped_and_the_chat_goes_on(own_product: Product, phone: Phone):
    product = own_product
    await stranded(product, phone)
    sms = await phone.wait_for(SMS)
    (link,) = LINK.findall(sms["text"])
    assert phone.number[1:] not in link
    assert sms["text"].startswith("Toyshop: "), "the brand, not what we call the line"

    async with product.http.get(link) as page:
        shown = await page.text()
    assert page.status == 200
    assert "<h1>Toyshop</h1>" in shown
    assert "https://wa.me/74951230000?text=" in shown
    assert "script" not in page.headers["Content-Security-Policy"]
    assert {"rescued", "link_opened"} <= await facts_of(product, phone.number)
    async with product.http.get(link[:-1] + ("0" if link[-1] != "0" else "1")) as guessed:
        assert guessed.status == 404

    # Nothing more goes out, whatever is repeated.
    await product.sandbox.status("failed", to=phone.number, code=131026, copies=2)
    await product.sandbox.flush()
    await phone.write(ACCOUNT, "Я по ссылке, где мой заказ?")
    closed = await product.until(
        "SELECT closed_reason FROM ivr_bridge.rescue WHERE caller = $1 AND closed_at IS NOT NULL",
        phone.number,
    )
    assert closed[0]["closed_reason"] == "customer_wrote"
    assert len(await texts_to(product, phone)) == 1
    assert (
        await product.rows(
            "SELECT 1 FROM handoff.conversation WHERE kind = 'callback' AND card ->> 'caller' = $1",
            phone.number,
        )
        == []
    )


async def test_an_answer_to_the_sms_is_a_message_of_the_conversation(
    own_product: Product, phone: Phone
):
    product = own_product
    await stranded(product, phone)
    await phone.wait_for(SMS)
    await phone.write(SMS, "Где мой заказ 123?")
    rows = await product.until(
        "SELECT v.state, v.origin IS NOT NULL AS of_the_call, v.card ->> 'caller' AS caller"
        " FROM handoff.conversation v JOIN messaging.account a USING (account_id)"
        " WHERE a.kind = 'sms' AND v.engaged_at IS NOT NULL AND v.card ->> 'caller' = $1",
        phone.number,
    )
    assert rows[0]["of_the_call"]
    # The bot answers there, with numbers in place of buttons.
    answer = await phone.wait_for(SMS, lambda one: not one["mine"] and "/go/" not in one["text"])
    assert answer["kind"] == "text"


async def test_stop_ends_every_sms(own_product: Product, phone: Phone):
    product = own_product
    await stranded(product, phone)
    await phone.wait_for(SMS)
    await phone.write(SMS, "СТОП")
    rows = await product.until(
        "SELECT o.channel, o.reason FROM messaging.opt_out o JOIN messaging.address a"
        " USING (workspace_id, contact_id) WHERE a.value = $1",
        phone.number,
    )
    assert [(row["channel"], row["reason"]) for row in rows] == [("sms", "stop")]


@pytest.mark.parametrize("behaviour", ["refused", "not_on_whatsapp"])
async def test_an_sms_that_fails_becomes_a_call_back(own_product: Product, behaviour: str):
    product = own_product
    phone = new_phone(product)
    await product.sandbox.behave(phone.number, "manual", sms=behaviour)
    await stranded(product, phone)
    rows = await product.until(
        "SELECT r.*, v.kind AS of_kind FROM ivr_bridge.rescue r"
        " JOIN handoff.conversation v USING (workspace_id, conversation_id)"
        " WHERE r.caller = $1 AND r.fell_back_at IS NOT NULL",
        phone.number,
    )
    assert [(row["kind"], row["of_kind"]) for row in rows] == [("callback", "callback")]
    assert len(await texts_to(product, phone)) == 1


async def test_an_sms_of_which_nobody_knows_is_never_sent_again(own_product: Product):
    product = own_product
    phone = new_phone(product)
    await product.sandbox.behave(phone.number, "manual", sms="breaks")
    await stranded(product, phone)
    rescue = await rescue_of(product, phone)
    await product.until(
        "SELECT 1 FROM messaging.delivery WHERE message_id = $1 AND status = 'unknown'",
        rescue["message_id"],
    )
    # It had gone out all the same, as a report says later.
    await phone.wait_for(SMS)
    assert len(await texts_to(product, phone)) == 1
    assert (await rescue_of(product, phone))["kind"] == "sms"


async def test_an_sms_follows_while_the_caller_still_waits(own_product: Product):
    product = own_product
    phone = new_phone(product)
    await product.sandbox.behave(phone.number, "not_on_whatsapp")
    await is_offered_chat(phone)
    await phone.press("1")
    sms = await phone.wait_for(SMS)
    assert "Ответьте на это SMS" in sms["text"]
    call = await phone.wait_for_call(lambda call: call["state"] == "ended")
    assert call["outcome"] == "hangup"
    answer = next(each["reply"] for each in call["api"] if each["path"] == "/v1/deflections")
    assert (answer["channel"], answer["action"]) == ("sms", "hangup")
    await phone.write(SMS, "Где мой заказ?")
    rows = await product.until(
        "SELECT f.fact FROM ivr_bridge.fact f JOIN ivr_bridge.deflection d USING (deflection_id)"
        " JOIN ivr_bridge.call c USING (call_ref) WHERE c.call_id = $1 AND f.fact = 'engaged'",
        call["id"],
    )
    assert len(rows) == 1
    assert len(await texts_to(product, phone)) == 1
    assert await product.sandbox.openings(phone.number) == 1


async def test_where_delivered_is_asked_nothing_less_will_do(own_product: Product, phone: Phone):
    product = own_product
    told = await product.deflect(phone.number, confirm="delivered")
    assert (told["action"], told["evidence"]) == ("hangup", "delivered_now")
    elsewhere = new_phone(product)
    await product.sandbox.behave(elsewhere.number, "offline")
    told = await product.deflect(elsewhere.number, confirm="delivered", deadline_ms=1800)
    assert (told["action"], told["reason"]) == ("continue", "deadline")
    # An offline phone is no failure: nothing follows, and what comes later is late.
    assert await texts_to(product, elsewhere) == []
    await product.sandbox.online(elsewhere.number, True)
    await product.until(
        "SELECT 1 FROM ivr_bridge.fact f JOIN ivr_bridge.deflection d USING (deflection_id)"
        " JOIN ivr_bridge.call c USING (call_ref) WHERE c.caller = $1 AND f.fact = 'late'",
        elsewhere.number,
    )


async def test_who_left_after_pressing_1_gets_the_rescue_as_well(own_product: Product):
    product = own_product
    phone = new_phone(product)
    await product.sandbox.behave(phone.number, "manual")
    await is_offered_chat(phone)
    await phone.press("1")
    await product.sandbox.wire(phone.number, kind="opening", wait_ms=5000)
    await phone.hang_up()
    await product.until(
        "SELECT 1 FROM ivr_bridge.fact f JOIN ivr_bridge.deflection d USING (deflection_id)"
        " JOIN ivr_bridge.call c USING (call_ref) WHERE c.caller = $1 AND f.fact = 'caller_left'",
        phone.number,
    )
    await product.until(
        "SELECT 1 FROM ivr_bridge.deflection d JOIN ivr_bridge.call c USING (call_ref)"
        " WHERE c.caller = $1 AND d.outcome = 'continue'",
        phone.number,
    )
    await product.sandbox.status("failed", to=phone.number, code=131026)
    sms = await phone.wait_for(SMS)
    assert LINK.search(sms["text"])
    assert (await rescue_of(product, phone))["kind"] == "sms"


async def texts_to(product: Product, phone: Phone) -> list[dict[str, Any]]:
    """Every SMS that left for this phone."""
    found: list[dict[str, Any]] = await product.sandbox.wire(to=phone.number, kind="sms")
    return found
