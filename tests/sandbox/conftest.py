"""A sandbox of each test's own, its client, and somebody who receives its webhooks."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest

from sandbox.client import SandboxClient
from sandbox.server import start
from sandbox.specs import AccountSpec, TemplateSpec
from tests.sandbox.receiver import Receiver, receiver

Json = dict[str, Any]
ACCOUNT, BUSINESS, TOKEN, SECRET = "100200300", "900800700", "pretend-token", "pretend-secret"
CALLER = "+79005550101"

OPENING = TemplateSpec(
    name="call_to_chat",
    language="ru",
    parameter_format="NAMED",
    message_send_ttl_seconds=60,
    components=[
        {"type": "BODY", "text": "Здравствуйте! Вы звонили о: {{topic}}."},
        {"type": "FOOTER", "text": "Игрушки и точка"},
        {
            "type": "BUTTONS",
            "buttons": [
                {"type": "QUICK_REPLY", "text": "Продолжить"},
                {"type": "QUICK_REPLY", "text": "Это не я"},
            ],
        },
    ],
)


def account(ear: Receiver, **more: Any) -> AccountSpec:
    fields: Json = {
        "phone_number_id": ACCOUNT,
        "waba_id": BUSINESS,
        "display_number": "+78002500000",
        "name": "Игрушки",
        "token": TOKEN,
        "app_secret": SECRET,
        "verify_token": "let-me-in",
        "webhook_url": ear.url,
        "templates": [OPENING],
        "batch_linger_ms": 0,
        **more,
    }
    return AccountSpec(**fields)


def opening(to: str = CALLER, **more: Any) -> Json:
    return {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": to,
        "type": "template",
        "biz_opaque_callback_data": "row-1",
        "template": {
            "name": "call_to_chat",
            "language": {"code": "ru"},
            "components": [
                {
                    "type": "body",
                    "parameters": [{"type": "text", "parameter_name": "topic", "text": "заказ 17"}],
                },
                {
                    "type": "button",
                    "sub_type": "quick_reply",
                    "index": "0",
                    "parameters": [{"type": "payload", "payload": "c:token"}],
                },
            ],
        },
        **more,
    }


def text(body: str = "Здравствуйте", to: str = CALLER) -> Json:
    return {"messaging_product": "whatsapp", "to": to, "type": "text", "text": {"body": body}}


@dataclass(slots=True)
class Cloud:
    """The product's side of the Cloud API, bare."""

    url: str
    session: aiohttp.ClientSession
    token: str = TOKEN

    async def send(self, body: Json | bytes, account_id: str = ACCOUNT) -> tuple[int, Json]:
        return await self.ask("POST", f"/v25.0/{account_id}/messages", **_content(body))

    async def refused(self, body: Json | bytes) -> int:
        status, answer = await self.send(body)
        error = answer["error"]
        assert status >= 400
        assert error["type"] == "OAuthException"
        assert error["message"].startswith(f"(#{error['code']}) ")
        assert error["error_data"]["messaging_product"] == "whatsapp"
        assert error["error_data"]["details"]
        assert error["fbtrace_id"]
        return int(error["code"])

    async def ask(self, method: str, path: str, **more: Any) -> tuple[int, Json]:
        headers = {"Authorization": f"Bearer {self.token}", **more.pop("headers", {})}
        async with self.session.request(method, self.url + path, headers=headers, **more) as reply:
            return reply.status, await reply.json()


def _content(body: Json | bytes) -> Json:
    return {"data": body} if isinstance(body, bytes) else {"json": body}


@pytest.fixture
async def ear() -> AsyncIterator[Receiver]:
    async with receiver() as opened:
        yield opened


@pytest.fixture
async def sandbox(ear: Receiver) -> AsyncIterator[SandboxClient]:
    running = await start(seed="tests")
    async with SandboxClient(running.url) as client:
        await client.register(account(ear))
        yield client
    await running.stop()


@pytest.fixture
async def cloud(sandbox: SandboxClient) -> AsyncIterator[Cloud]:
    async with aiohttp.ClientSession() as session:
        yield Cloud(sandbox.url, session)
