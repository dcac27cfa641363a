from collections.abc import AsyncIterator, Iterator

import aiohttp
import pytest
from aioresponses import aioresponses

from core.ids import AccountId, MessageId, WorkspaceId, new_id
from core.vocabulary import ChannelKind
from messaging.channel import Account, AddressKind, Outgoing, Recipient
from messaging.channels.whatsapp import WhatsApp
from messaging.content import Content, ContentType
from tests.fakes.cloud_api import PHONE_NUMBER_ID, WABA_ID
from tests.fakes.provider import Provider, provider


def account_at(base_url: str, **settings: str) -> Account:
    return Account(
        workspace_id=WorkspaceId(1),
        id=AccountId(new_id()),
        name="whatsapp",
        kind=ChannelKind.WHATSAPP,
        base_url=base_url,
        external_id=PHONE_NUMBER_ID,
        settings={"waba_id": WABA_ID, **settings},
        secrets={
            "access_token": "EAAG-token",
            "app_secret": "new secret",
            "app_secret_previous": "old secret",
            "verify_token": "let me in",
        },
    )


def outgoing(content: Content | None = None, **more: object) -> Outgoing:
    fields: dict[str, object] = {
        "message_id": MessageId(new_id()),
        "recipient": Recipient({AddressKind.PHONE: "+79005550101"}),
        "content": content or Content(ContentType.TEXT, text="Здравствуйте"),
        **more,
    }
    return Outgoing(**fields)  # type: ignore[arg-type]


@pytest.fixture
def account() -> Account:
    return account_at("https://graph.facebook.com")


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as opened:
        yield opened


@pytest.fixture
def whatsapp(session: aiohttp.ClientSession) -> WhatsApp:
    return WhatsApp(session)


@pytest.fixture
async def meta() -> AsyncIterator[Provider]:
    async with provider() as fake:
        yield fake


@pytest.fixture
def transport() -> Iterator[aioresponses]:
    """Failures of the network itself. It mocks no reply, so aioresponses 0.7.9 needs no patch here."""
    with aioresponses() as broken:
        yield broken
