"""The adapter against the sandbox: two programs that were written from the same documentation."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import pytest
from aiohttp import web

from core.ids import MediaId, new_id
from messaging.channel import (
    Account,
    Ambiguous,
    FailureClass,
    InboundEvent,
    InboundMessage,
    MediaFile,
    Rejected,
    ReportedStatus,
    StatusReport,
)
from messaging.channels.whatsapp import WhatsApp
from messaging.content import Content, ContentType, Option, TemplateUse
from sandbox.client import SandboxClient
from sandbox.server import start
from sandbox.specs import AccountSpec, TemplateSpec
from tests.fakes.cloud_api import PHONE_NUMBER_ID, WABA_ID
from tests.messaging.whatsapp.conftest import account_at, outgoing

ANNA = "+79005550101"
OPENING = Content(
    ContentType.TEMPLATE,
    text="Здравствуйте! Вопрос: Заказ 17.",
    template=TemplateUse(
        "call_to_chat",
        "ru",
        parameters=("Заказ 17",),
        parameter_names=("topic",),
        button_payloads=("c:1", "n:1"),
        ttl_s=60,
    ),
)
TEMPLATE = TemplateSpec(
    name="call_to_chat",
    language="ru",
    parameter_format="NAMED",
    message_send_ttl_seconds=60,
    components=[
        {"type": "BODY", "text": "Здравствуйте! Вопрос: {{topic}}."},
        {
            "type": "BUTTONS",
            "buttons": [
                {"type": "QUICK_REPLY", "text": "Продолжить"},
                {"type": "QUICK_REPLY", "text": "Это не я"},
            ],
        },
    ],
)


@dataclass
class Ear:
    """Our webhook address: what it let in, and how often it had to say no."""

    url: str = ""
    refused: int = 0
    events: asyncio.Queue[InboundEvent] = field(default_factory=asyncio.Queue)

    async def until(self, wanted: Callable[[InboundEvent], bool]) -> InboundEvent:
        async with asyncio.timeout(10):
            while True:
                event = await self.events.get()
                if wanted(event):
                    return event

    async def status(self, status: ReportedStatus) -> StatusReport:
        event = await self.until(lambda e: isinstance(e, StatusReport) and e.status is status)
        assert isinstance(event, StatusReport)
        return event

    async def message(self) -> InboundMessage:
        event = await self.until(lambda e: isinstance(e, InboundMessage))
        assert isinstance(event, InboundMessage)
        return event


@dataclass
class Scene:
    sandbox: SandboxClient
    account: Account
    whatsapp: WhatsApp
    ear: Ear


@pytest.fixture
async def scene(whatsapp: WhatsApp) -> AsyncIterator[Scene]:
    running = await start()
    account, ear = account_at(running.url), Ear()

    async def greet(request: web.Request) -> web.Response:
        challenge = whatsapp.handshake(account, request.query)
        return web.Response(text=challenge or "", status=200 if challenge else 403)

    async def hear(request: web.Request) -> web.Response:
        body = await request.read()
        if not whatsapp.verify(account, request.headers, body):
            ear.refused += 1
            return web.Response(status=401)
        for event in whatsapp.parse(account, body):
            ear.events.put_nowait(event)
        return web.Response()

    app = web.Application(client_max_size=4 << 20)
    app.add_routes([web.get("/webhook", greet), web.post("/webhook", hear)])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    ear.url = f"http://127.0.0.1:{runner.addresses[0][1]}/webhook"
    try:
        async with SandboxClient(running.url) as sandbox:
            await sandbox.register(
                AccountSpec(
                    phone_number_id=PHONE_NUMBER_ID,
                    waba_id=WABA_ID,
                    display_number="+78002500000",
                    token=account.secrets["access_token"],
                    app_secret=account.secrets["app_secret"],
                    verify_token=account.secrets["verify_token"],
                    webhook_url=ear.url,
                    templates=[TEMPLATE],
                    bsuid="both",
                )
            )
            yield Scene(sandbox, account, whatsapp, ear)
    finally:
        await running.stop()
        await runner.cleanup()


async def open_window(scene: Scene) -> InboundMessage:
    await scene.sandbox.inbound(PHONE_NUMBER_ID, ANNA, {"type": "text", "text": {"body": "Да"}})
    return await scene.ear.message()


async def test_the_handshake_is_answered(scene: Scene) -> None:
    assert (await scene.sandbox.verify(PHONE_NUMBER_ID))["ok"]


async def test_an_opening_is_taken_delivered_and_answered_by_a_tap(scene: Scene) -> None:
    said = outgoing(OPENING)
    took = await scene.whatsapp.send(scene.account, said, timeout_s=5)
    for status in (ReportedStatus.SENT, ReportedStatus.DELIVERED):
        report = await scene.ear.status(status)
        assert report.provider_id == took.provider_id
        assert report.message_id == said.message_id
        assert report.recipient.items() >= took.learnt.items()
    assert await scene.sandbox.openings(ANNA) == 1
    tap = {
        "type": "button",
        "button": {"payload": "c:1", "text": "Продолжить"},
        "context": {"id": took.provider_id},
    }
    await scene.sandbox.inbound(PHONE_NUMBER_ID, ANNA, tap)
    answer = await scene.ear.message()
    assert (answer.content.choice, answer.reply_to) == ("c:1", took.provider_id)
    assert answer.sender.items() >= took.learnt.items()
    assert scene.ear.refused == 0


async def test_a_number_without_whatsapp_fails_later(scene: Scene) -> None:
    await scene.sandbox.behave(ANNA, "not_on_whatsapp")
    await scene.whatsapp.send(scene.account, outgoing(OPENING), timeout_s=5)
    report = await scene.ear.status(ReportedStatus.FAILED)
    assert report.failure is not None
    assert report.failure.failure_class is FailureClass.NOT_ON_CHANNEL


async def test_a_reply_that_was_lost_comes_back_by_its_tracker(scene: Scene) -> None:
    await scene.sandbox.behave(ANNA, "breaks")
    said = outgoing(OPENING)
    with pytest.raises(Ambiguous):
        await scene.whatsapp.send(scene.account, said, timeout_s=5)
    assert (await scene.ear.status(ReportedStatus.DELIVERED)).message_id == said.message_id
    assert await scene.sandbox.openings(ANNA) == 1


async def test_throttling_and_a_closed_window_are_refusals(scene: Scene) -> None:
    with pytest.raises(Rejected) as closed:
        await scene.whatsapp.send(scene.account, outgoing(), timeout_s=5)
    assert closed.value.failure.failure_class is FailureClass.WINDOW_CLOSED
    await scene.sandbox.behave(ANNA, "throttled")
    with pytest.raises(Rejected) as throttled:
        await scene.whatsapp.send(scene.account, outgoing(OPENING), timeout_s=5)
    assert throttled.value.failure.failure_class is FailureClass.TRANSIENT


@pytest.mark.parametrize(
    "content",
    [
        Content(ContentType.TEXT, text="Здравствуйте"),
        Content(ContentType.BUTTONS, text="О чём?", options=(Option("a", "Заказ"),)),
        Content(ContentType.LIST, text="О чём?", options=(Option("a", "Заказ"),), list_button="Да"),
        Content(ContentType.LOCATION, text="Магазин", location=(55.75, 37.62)),
    ],
    ids=lambda content: content.type,
)
async def test_inside_the_window_everything_is_taken(scene: Scene, content: Content) -> None:
    heard = await open_window(scene)
    said = outgoing(content, reply_to=heard.provider_id)
    took = await scene.whatsapp.send(scene.account, said, timeout_s=5)
    assert (await scene.ear.status(ReportedStatus.DELIVERED)).provider_id == took.provider_id


async def test_reactions_and_reading(scene: Scene) -> None:
    heard = await open_window(scene)
    await scene.whatsapp.mark_read(scene.account, heard.provider_id, typing=True, timeout_s=5)
    said = outgoing(Content(ContentType.REACTION, emoji="👍"), reply_to=heard.provider_id)
    await scene.whatsapp.send(scene.account, said, timeout_s=5)
    assert len(await scene.sandbox.wire(kind="read")) == 1


async def test_a_file_goes_there_and_comes_back(scene: Scene) -> None:
    await open_window(scene)
    file = MediaFile("application/pdf", "чек.pdf", None, b"%PDF-1.7 " + b"x" * 5000)
    media_id = await scene.whatsapp.upload(scene.account, file, timeout_s=5)
    sent = MediaFile(file.mime, file.name, media_id)
    content = Content(ContentType.DOCUMENT, text="Чек", media_id=MediaId(new_id()))
    await scene.whatsapp.send(scene.account, outgoing(content, media=sent), timeout_s=5)
    document = {"type": "document", "document": {"id": media_id, "mime_type": file.mime}}
    await scene.sandbox.inbound(PHONE_NUMBER_ID, ANNA, document)
    heard = await scene.ear.message()
    assert heard.media is not None
    got = await scene.whatsapp.download(scene.account, heard.media, limit=1 << 20, timeout_s=5)
    assert got == (file.content, file.mime)
