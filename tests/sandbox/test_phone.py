import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from sandbox.client import Phone, SandboxClient, SandboxError
from sandbox.specs import LineSpec
from tests.sandbox.conftest import ACCOUNT, CALLER, Cloud, opening
from tests.sandbox.receiver import Receiver

Json = dict[str, Any]
LINE = "+78002500001"


class IvrApi:
    """The product's IVR API, answering as told."""

    def __init__(self) -> None:
        self.url = ""
        self.eligibility: list[Any] = []
        self.deflection: list[Any] = []
        self.polls: list[Any] = []
        self.asked: list[tuple[str, Json]] = []
        self.events: list[Json] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def event(self, request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == "Bearer line-key"
        self.events.append(await request.json())
        return web.json_response({})

    async def may(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(("eligibility", await request.json()))
        return _answer(self.eligibility.pop(0) if self.eligibility else {"action": "offer"})

    async def move(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(("deflection", await request.json()))
        await self.gate.wait()
        return _answer(self.deflection.pop(0))

    async def poll(self, request: web.Request) -> web.StreamResponse:
        self.asked.append((f"poll {request.match_info['id']}", {}))
        return _answer(self.polls.pop(0))

    @property
    def told(self) -> list[str]:
        return [event["event"] for event in self.events]


def _answer(wanted: Any) -> web.StreamResponse:
    if isinstance(wanted, str):
        return web.Response(text=wanted)
    if isinstance(wanted, int):
        return web.json_response({"action": "hangup"}, status=wanted)
    return web.json_response(wanted)


@pytest.fixture
async def ivr(sandbox: SandboxClient) -> AsyncIterator[IvrApi]:
    api = IvrApi()
    app = web.Application()
    app.router.add_post("/v1/calls/events", api.event)
    app.router.add_post("/v1/eligibility", api.may)
    app.router.add_post("/v1/deflections", api.move)
    app.router.add_get("/v1/deflections/{id}", api.poll)
    async with TestServer(app) as server:
        api.url = str(server.make_url(""))
        line = LineSpec(number=LINE, base_url=api.url, key="line-key", brand="Игрушки")
        await sandbox.register(lines=(line,))
        yield api


@pytest.fixture
def phone(sandbox: SandboxClient) -> Phone:
    return sandbox.phone(CALLER)


def offered(call: Json) -> bool:
    return bool(call["awaiting_key"])


def ended(call: Json) -> bool:
    return bool(call["state"] == "ended" and call["api"][-1]["request"]["event"] == "ended")


def queued(call: Json) -> bool:
    return call["state"] == "queue" and call["outcome"] is not None


async def test_pressing_1_moves_the_caller_and_ends_the_call(
    sandbox: SandboxClient, ivr: IvrApi, phone: Phone
) -> None:
    ivr.deflection = [{"prompt_key": "already_sent_goodbye", "action": "hangup"}]
    dialled = await phone.dial(LINE)
    call = await phone.wait_for_call(offered)
    assert "Нажмите 1" in call["transcript"][-1]["text"]
    await phone.press("1")
    await phone.wait_for_call(lambda call: call["outcome"] == "hangup")
    await sandbox.advance(2)
    call = await phone.wait_for_call(ended)
    assert call["ended_by"] == "ivr"
    assert [line["key"] for line in call["transcript"]] == [
        *("welcome", "offer", "digit", "one_moment", "already_sent_goodbye"),
    ]
    assert ivr.told == ["entered", "offered", "accepted", "ended"]
    assert {event["call_id"] for event in ivr.events} == {dialled["id"]}
    assert {event["caller"] for event in ivr.events} == {CALLER}
    (_, asked), (_, moved) = ivr.asked
    assert asked["call_id"] == moved["call_id"] == dialled["id"]
    assert (moved["attempt"], moved["deadline_ms"], moved["digits"]) == (1, 2500, "1")
    assert moved["consent"]["given"] is True
    exchanged = next(one for one in call["api"] if one["path"] == "/v1/deflections")
    assert (exchanged["status"], exchanged["reply"]["action"]) == (200, "hangup")
    assert "line-key" not in str(call)


UNCLEAR = [500, 503, 302, "hangup", '{"action":"hang', {}, {"action": "HANGUP"}, ["hangup"],
           {"action": "continue", "prompt_key": "not_possible"}]  # fmt: skip


@pytest.mark.parametrize("answer", UNCLEAR)
async def test_whatever_is_no_clear_hangup_keeps_the_call(
    ivr: IvrApi, phone: Phone, answer: Any
) -> None:
    ivr.deflection = [answer]
    await phone.dial(LINE)
    await phone.wait_for_call(offered)
    await phone.press("1")
    call = await phone.wait_for_call(lambda call: call["outcome"] == "continue")
    assert call["state"] == "queue"
    assert call["transcript"][-1]["key"] == "not_possible"


async def test_a_product_that_is_down_keeps_the_call(
    sandbox: SandboxClient, ivr: IvrApi, phone: Phone
) -> None:
    line = LineSpec(number=LINE, base_url="http://127.0.0.1:9", key="k")
    await sandbox.register(lines=(line,))
    await phone.dial(LINE)
    call = await phone.wait_for_call(queued)
    assert call["transcript"][-1]["key"] == "stay_on_line"
    assert call["transcript"][-1]["why"] == "no_answer"
    assert "ClientConnectorError" in call["api"][0]["error"]


async def test_silence_is_asked_again_and_no_is_respected(
    sandbox: SandboxClient, ivr: IvrApi, phone: Phone
) -> None:
    await phone.dial(LINE)
    await phone.wait_for_call(offered)
    await sandbox.advance(8)
    call = await phone.wait_for_call(queued)
    assert call["outcome"] == "silence"
    await sandbox.advance(20)
    await phone.wait_for_call(offered)
    await phone.press("2")
    await phone.wait_for_call(lambda call: call["outcome"] == "declined")
    await sandbox.advance(89)
    call = await phone.wait_for_call(lambda call: call["state"] == "talking")
    assert [body["attempt"] for _, body in ivr.asked] == [1, 2]
    assert ivr.asked[1][1]["offer_stage"] == "queue"
    await phone.hang_up()
    call = await phone.wait_for_call(ended)
    assert call["ended_by"] == "caller"
    assert ivr.told == ["entered", "offered", "queued", "offered", "declined", "answered", "ended"]


async def test_keys_pressed_before_the_offer_are_no_answer(
    sandbox: SandboxClient, ivr: IvrApi, phone: Phone
) -> None:
    ivr.eligibility = [{"action": "continue", "reason": "below_peak"}]
    await phone.dial(LINE)
    await phone.wait_for_call(queued)
    await phone.press("1")
    await sandbox.advance(20)
    await phone.wait_for_call(offered)
    assert [what for what, _ in ivr.asked] == ["eligibility", "eligibility"]


async def test_a_caller_who_leaves_lets_the_request_finish(ivr: IvrApi, phone: Phone) -> None:
    ivr.gate.clear()
    ivr.deflection = [{"action": "hangup"}]
    await phone.dial(LINE)
    await phone.wait_for_call(offered)
    await phone.press("1")
    await phone.wait_for_call(lambda call: call["state"] == "moving")
    await phone.hang_up()
    ivr.gate.set()
    call = await phone.wait_for_call(
        lambda call: any(one["path"] == "/v1/deflections" for one in call["api"])
    )
    assert (call["ended_by"], call["outcome"]) == ("caller", "accepted")
    assert call["transcript"][-1]["key"] == "one_moment"


async def test_an_ivr_that_can_loop_polls(
    sandbox: SandboxClient, ivr: IvrApi, phone: Phone
) -> None:
    line = LineSpec(number=LINE, base_url=ivr.url, key="line-key", can_poll=True)
    await sandbox.register(lines=(line,))
    waiting = {"deflection_id": "d_1", "poll_after_ms": 0, "action": "poll"}
    ivr.deflection = [waiting]
    ivr.polls = [waiting, {"deflection_id": "d_1", "action": "hangup"}]
    await phone.dial(LINE, "en")
    await phone.wait_for_call(offered)
    await phone.press("1")
    call = await phone.wait_for_call(lambda call: call["outcome"] == "hangup")
    assert [what for what, _ in ivr.asked][2:] == ["poll d_1", "poll d_1"]
    assert "Goodbye" in call["transcript"][-1]["text"]


async def test_a_withheld_number_is_not_told(ivr: IvrApi, phone: Phone) -> None:
    ivr.eligibility = [{"action": "continue", "reason": "caller_withheld"}]
    await phone.dial(LINE, withheld=True)
    call = await phone.wait_for_call(queued)
    assert [line["why"] for line in call["transcript"]] == [None, "caller_withheld"]
    assert ivr.asked[0][1]["caller_withheld"] is True
    assert CALLER not in str((ivr.asked, ivr.events))


async def test_one_phone_has_one_call(ivr: IvrApi, phone: Phone) -> None:
    await phone.dial(LINE)
    with pytest.raises(SandboxError, match="in a call already"):
        await phone.dial(LINE)
    await phone.hang_up()
    with pytest.raises(SandboxError, match="in no call"):
        await phone.press("1")
    with pytest.raises(SandboxError, match="no such line"):
        await phone.dial("+78000000000")


async def test_the_opening_is_read_and_its_button_tapped(
    sandbox: SandboxClient, cloud: Cloud, ear: Receiver, phone: Phone
) -> None:
    _, answer = await cloud.send(opening())
    assert await phone.messages(ACCOUNT) == []
    await sandbox.advance(1)
    shown = await phone.wait_for(ACCOUNT)
    assert shown["text"] == "Здравствуйте! Вы звонили о: заказ 17."
    assert shown["footer"] == "Игрушки и точка"
    assert [button["title"] for button in shown["buttons"]] == ["Продолжить", "Это не я"]
    await phone.open_chat(ACCOUNT)
    await sandbox.advance(1)
    await phone.tap(ACCOUNT, "Продолжить")
    await ear.until(lambda heard: bool(heard.messages))
    assert [one["status"] for one in ear.statuses] == ["sent", "delivered", "read"]
    tapped = ear.messages[0]
    assert (tapped["type"], tapped["button"]) == (
        "button",
        {"payload": "c:token", "text": "Продолжить"},
    )
    assert tapped["context"] == {"from": "78002500000", "id": answer["messages"][0]["id"]}
    with pytest.raises(SandboxError):
        await phone.tap(ACCOUNT, "Взломать")


BUTTONS = {"buttons": [{"type": "reply", "reply": {"id": "menu:1", "title": "Заказ"}}]}
ROWS = {"button": "Темы", "sections": [{"rows": [{"id": "t:2", "title": "Возврат"}]}]}


@pytest.mark.parametrize(
    ("kind", "action", "title", "reply"),
    [
        ("button", BUTTONS, "Заказ", ("button_reply", "menu:1")),
        ("list", ROWS, "Возврат", ("list_reply", "t:2")),
    ],
)
async def test_menus_are_answered_by_a_tap(
    sandbox: SandboxClient,
    cloud: Cloud,
    ear: Receiver,
    phone: Phone,
    kind: str,
    action: Json,
    title: str,
    reply: tuple[str, str],
) -> None:
    await phone.write(ACCOUNT, "Привет")
    part = {"type": kind, "body": {"text": "Что случилось?"}, "action": action}
    body = {"messaging_product": "whatsapp", "to": CALLER, "type": "interactive"}
    assert (await cloud.send({**body, "interactive": part}))[0] == 200
    await sandbox.advance(1)
    await phone.wait_for(ACCOUNT)
    await phone.tap(ACCOUNT, title)
    await ear.until(lambda heard: len(heard.messages) == 2)
    chosen = ear.messages[1]["interactive"]
    assert chosen["type"] == reply[0]
    assert chosen[reply[0]] == {"id": reply[1], "title": title}


async def test_an_offline_phone_neither_writes_nor_receives(
    sandbox: SandboxClient, cloud: Cloud, phone: Phone
) -> None:
    await phone.online(False)
    with pytest.raises(SandboxError, match="offline"):
        await phone.write(ACCOUNT, "Привет")
    await cloud.send(opening())
    await sandbox.advance(1)
    assert await phone.messages(ACCOUNT) == []
    await phone.online(True)
    assert (await phone.wait_for(ACCOUNT))["kind"] == "template"


async def test_a_page_sees_a_snapshot_and_then_every_change(
    sandbox: SandboxClient, phone: Phone
) -> None:
    async with sandbox.live(CALLER) as feed:
        assert (await feed.receive_json())["type"] == "snapshot"
        await phone.open_chat(ACCOUNT)
        assert (await feed.receive_json())["chat"]["open"] is True
        wamid = await phone.write(ACCOUNT, "Привет")
        assert (await feed.receive_json())["message"]["id"] == wamid
    async with sandbox.live(CALLER) as feed:
        chats = (await feed.receive_json())["chats"]
        assert chats[0]["messages"][0]["text"] == "Привет"


async def test_a_chat_opened_by_a_page_is_left_with_the_page(
    sandbox: SandboxClient, phone: Phone
) -> None:
    async with sandbox.live(CALLER) as feed:
        await feed.receive_json()
        path = f"/phone/api/numbers/79005550101/chats/{ACCOUNT}/open"
        await sandbox.ask("POST", path, {"open": True, "while_shown": True})
        await phone.open_chat("555")
    async with asyncio.timeout(20):
        while (still := await opened(sandbox)) != {"555"}:
            assert still == {ACCOUNT, "555"}


async def opened(sandbox: SandboxClient) -> set[str]:
    snapshot = await sandbox.ask("GET", "/phone/api/numbers/79005550101")
    return {chat["account"] for chat in snapshot["chats"] if chat["open"]}


async def test_reactions_sit_on_their_message(
    sandbox: SandboxClient, cloud: Cloud, ear: Receiver, phone: Phone
) -> None:
    wamid = await phone.write(ACCOUNT, "Спасибо")
    reaction = {"message_id": wamid, "emoji": "❤️"}
    body = {"messaging_product": "whatsapp", "to": CALLER, "type": "reaction", "reaction": reaction}
    await cloud.send(body)
    await sandbox.advance(1)
    (shown,) = await phone.messages(ACCOUNT)
    assert shown["reaction"] == "❤️"
    await phone.react(ACCOUNT, wamid, "👍")
    await ear.until(lambda heard: len(heard.messages) == 2)
    assert ear.messages[1]["reaction"] == {"message_id": wamid, "emoji": "👍"}
