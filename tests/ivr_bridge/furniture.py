"""What the room holds before the first call: an account with its template, queues, a line, a key."""

from typing import Any

from core.access.keys import put_key
from core.ids import WorkspaceId
from core.postgres import Database
from core.sealing import Sealer
from core.vocabulary import ChannelKind
from handoff.routing.queues import QueueDraft, put_queue
from ivr_bridge.line import Consent, LineDraft, OpeningUse
from ivr_bridge.lines import put_line
from messaging.accounts import AccountDraft, put_account
from messaging.channels.sms import Provider
from messaging.templates import TemplateDraft, put_template
from sandbox.specs import AccountSpec, TemplateSpec
from tests.ivr_bridge.ivr import KEY, LINE

PHONE_NUMBER_ID = "100000000000001"
BODY = "Здравствуйте! Вы звонили нам на {{1}}."
BUTTONS = ["Продолжить", "Это не я"]
SECRETS = {"access_token": "t0ken", "app_secret": "s3cret", "verify_token": "v3rify"}
SMS_PROVIDER = Provider.model_validate(
    {
        "send": {
            "path": "/sms/sms/messages",
            "headers": {"Authorization": f"Bearer {SECRETS['access_token']}"},
            "json": {"to": "{to}", "text": "{text}", "reference": "{id}"},
        },
        "refused": {"codes": {"unknown_subscriber": "not_on_channel", "throttled": "transient"}},
        "webhook": {
            "signature": {"header": "X-Sms-Signature", "secret": SECRETS["app_secret"]},
            "codes": {"unknown_subscriber": "not_on_channel"},
        },
    }
)


def line_draft(**changed: Any) -> LineDraft:
    """The line of the tests: a `sent` with a short quiet is enough."""
    values: dict[str, Any] = {
        "name": "main",
        "title": "Toyshop",
        "numbers": [LINE],
        "country": "RU",
        "account": "whatsapp",
        "flow": "toyshop",
        "queue": "orders",
        "callback_queue": "callbacks",
        "opening": {"ru": OpeningUse("call_to_chat", ("{line_number}",))},
        "consent": Consent("dtmf", "wa-1", "Press 1 to continue on WhatsApp."),
        "grace_ms": 100,
    }
    return LineDraft(**{**values, **changed})


async def furnish(
    database: Database, workspace_id: WorkspaceId, sealer: Sealer, network: str
) -> None:
    """Two queues, an account with its template, a line and its key."""
    async with database.workspace(workspace_id) as tx:
        await put_queue(tx, QueueDraft("orders", "Orders", default=True))
        await put_queue(tx, QueueDraft("callbacks", "Call back"))
        account_id = await put_account(
            tx,
            sealer,
            AccountDraft(
                name="whatsapp",
                kind=ChannelKind.WHATSAPP,
                base_url=network,
                external_id=PHONE_NUMBER_ID,
                settings={"waba_id": "200000000000001", "messages_per_second": "1000"},
                secrets=SECRETS,
            ),
        )
        await put_account(
            tx,
            sealer,
            AccountDraft(
                name="sms",
                kind=ChannelKind.SMS,
                base_url=network,
                external_id="Toyshop",
                settings={"messages_per_second": "1000"},
                secrets={"provider": SMS_PROVIDER.stored()},
            ),
        )
        await put_template(
            tx,
            TemplateDraft(
                account_id=account_id,
                name="call_to_chat",
                language="ru",
                body=BODY,
                parameters=("1",),
                buttons=tuple(BUTTONS),
                ttl_s=3600,
            ),
        )
        await put_line(tx, line_draft())
        await put_key(tx, name="line", key=KEY, scopes=["ivr"])


def whatsapp_account(webhook_url: str) -> AccountSpec:
    return AccountSpec(
        phone_number_id=PHONE_NUMBER_ID,
        waba_id="200000000000001",
        display_number="+74951230000",
        token=SECRETS["access_token"],
        app_secret=SECRETS["app_secret"],
        verify_token=SECRETS["verify_token"],
        webhook_url=webhook_url,
        mps=0,
        pair_rate=False,
        batch_linger_ms=0,
        templates=[
            TemplateSpec(
                name="call_to_chat",
                language="ru",
                components=[
                    {"type": "BODY", "text": BODY},
                    {
                        "type": "BUTTONS",
                        "buttons": [{"type": "QUICK_REPLY", "text": text} for text in BUTTONS],
                    },
                ],
            )
        ],
    )


def sms_account(webhook_url: str) -> AccountSpec:
    return AccountSpec(
        kind="sms",
        phone_number_id="sms",
        display_number="Toyshop",
        token=SECRETS["access_token"],
        app_secret=SECRETS["app_secret"],
        webhook_url=webhook_url,
        batch_linger_ms=0,
    )
