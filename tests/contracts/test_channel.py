"""What every channel owes the rooms above it, whichever network it speaks for.

A new channel adds one `Subject`; nothing else here changes.
"""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

import aiohttp
import pytest

from core.ids import AccountId, MessageId, WorkspaceId, new_id
from core.vocabulary import ChannelKind
from messaging.channel import (
    Account,
    AddressKind,
    Ambiguous,
    Channel,
    FailureClass,
    InboundMessage,
    Outgoing,
    Recipient,
    Rejected,
    ReportedStatus,
    StatusReport,
)
from messaging.channels.normalised import normalised
from messaging.channels.sms import Provider as Provided
from messaging.channels.sms import Sms
from messaging.channels.whatsapp import WhatsApp
from messaging.content import Content, ContentType
from tests.fakes import cloud_api
from tests.fakes.provider import Provider, provider

NORMALISED = ["kind", "provider_id", "sender", "type", "text", "status", "at", "media"]


@dataclass(frozen=True)
class Subject:
    """One channel, and how its provider talks."""

    make: Callable[..., Channel]
    account: Account
    recipient: Recipient
    sign: Callable[[bytes], Mapping[str, str]]
    greeting: Mapping[str, str] | None
    """The provider's set-up request, if it has one; `challenge` is what it wants back."""
    challenge: str | None
    said: Callable[[str, str], bytes]
    """A webhook in which a customer says this, under this provider id."""
    unknown: bytes
    """A customer's message of a kind that does not exist yet."""
    reported: Callable[[str, ReportedStatus, MessageId], bytes] | None
    accepted: object
    refusal: object
    """An answer that says: this one person cannot be reached."""
    shares_its_address: bool = True
    """One webhook address may serve several accounts, told apart by the body."""


def _reported(provider_id: str, status: ReportedStatus, ours: MessageId) -> bytes:
    told = {"id": provider_id, "status": status.value, "timestamp": "1763769605"}
    return cloud_api.webhook(statuses=[{**told, "biz_opaque_callback_data": str(ours)}])


WHATSAPP = Subject(
    make=WhatsApp,
    account=Account(
        workspace_id=WorkspaceId(1),
        id=AccountId(new_id()),
        name="whatsapp",
        kind=ChannelKind.WHATSAPP,
        base_url="",
        external_id=cloud_api.PHONE_NUMBER_ID,
        settings={},
        secrets={"access_token": "tok-4711", "app_secret": "s3cret", "verify_token": "open"},
    ),
    recipient=Recipient({AddressKind.PHONE: "+79005550101"}),
    sign=lambda body: {"X-Hub-Signature-256": cloud_api.signature("s3cret", body)},
    greeting={"hub.mode": "subscribe", "hub.verify_token": "open", "hub.challenge": "42"},
    challenge="42",
    said=lambda words, provider_id: cloud_api.webhook(
        messages=[cloud_api.message("text", {"body": words}, id=provider_id)]
    ),
    unknown=cloud_api.webhook(messages=[cloud_api.message("hologram", {"frames": 3})]),
    reported=_reported,
    accepted=cloud_api.accepted(),
    refusal=cloud_api.error(131026),
)


def _sms(**told: object) -> bytes:
    return json.dumps({"at": "2026-01-10T09:00:00Z", **told}).encode()


SMS = Subject(
    make=Sms,
    account=Account(
        workspace_id=WorkspaceId(1),
        id=AccountId(new_id()),
        name="sms",
        kind=ChannelKind.SMS,
        base_url="",
        external_id="Toyshop",
        settings={},
        secrets={
            "provider": Provided.model_validate(
                {
                    "send": {
                        "path": "/v1/sms",
                        "headers": {"X-Key": "tok-4711"},
                        "json": {"to": "{to}", "text": "{text}", "ref": "{id}", "from": "{from}"},
                    },
                    "refused": {"codes": {"unknown_subscriber": "not_on_channel"}},
                    "webhook": {"signature": {"header": "X-Sms-Signature", "secret": "s3cret"}},
                }
            ).stored()
        },
    ),
    recipient=Recipient({AddressKind.PHONE: "+79005550101"}),
    sign=lambda body: {"X-Sms-Signature": cloud_api.signature("s3cret", body).partition("=")[2]},
    greeting=None,
    challenge=None,
    said=lambda words, provider_id: _sms(id=provider_id, **{"from": "79005550101"}, text=words),
    unknown=_sms(id="m9", **{"from": "79005550101"}, picture="cat.png"),
    reported=lambda provider_id, status, ours: _sms(
        id=provider_id, status=status.value, reference=str(ours)
    ),
    accepted={"id": "p1", "status": "accepted"},
    refusal={"error": {"code": "unknown_subscriber"}},
    shares_its_address=False,
)


@pytest.fixture(params=[WHATSAPP, SMS], ids=lambda subject: subject.account.kind.value)
def subject(request: pytest.FixtureRequest) -> Subject:
    made: Subject = request.param
    return made


@pytest.fixture
async def channel(subject: Subject) -> AsyncIterator[Channel]:
    async with aiohttp.ClientSession() as session:
        yield subject.make(session)


@pytest.fixture
async def network() -> AsyncIterator[Provider]:
    async with provider() as fake:
        yield fake


def at(subject: Subject, url: str) -> Account:
    return replace(subject.account, base_url=url)


def words(subject: Subject) -> Outgoing:
    content = Content(ContentType.TEXT, text="Здравствуйте")
    return Outgoing(MessageId(new_id()), subject.recipient, content)


# -- who may speak to us ---------------------------------------------------------------------------


async def test_its_own_signature_opens_and_nothing_else(channel: Channel, subject: Subject) -> None:
    body = subject.said("Здравствуйте", "m1")
    signed = subject.sign(body)
    assert channel.verify(subject.account, signed, body)
    assert channel.verify(subject.account, {k.lower(): v for k, v in signed.items()}, body)
    assert not channel.verify(subject.account, signed, body + b" ")
    assert not channel.verify(subject.account, {}, body)
    assert not channel.verify(subject.account, dict.fromkeys(signed, ""), body)
    assert not channel.verify(replace(subject.account, secrets={}), signed, body)


async def test_the_set_up_request_needs_the_right_token(channel: Channel, subject: Subject) -> None:
    if subject.greeting is None:
        assert channel.handshake(subject.account, {}) is None
        return
    assert channel.handshake(subject.account, subject.greeting) == subject.challenge
    for name in subject.greeting:
        assert channel.handshake(subject.account, {**subject.greeting, name: ""}) is None
    nobody = replace(subject.account, secrets={})
    assert channel.handshake(nobody, subject.greeting) is None


# -- what it tells us ------------------------------------------------------------------------------


async def test_a_moment_that_has_not_come_yet_is_now(channel: Channel, subject: Subject) -> None:
    bodies = [subject.said("Где заказ?", "m1"), subject.unknown]
    if subject.reported:
        bodies.append(subject.reported("m1", ReportedStatus.READ, MessageId(new_id())))
    for body in bodies:
        (told,) = channel.parse(subject.account, body)
        for behind, believed in [
            (timedelta(days=365), False),
            (timedelta(minutes=6), False),
            (timedelta(minutes=4), True),
            (-timedelta(days=2), True),
        ]:
            now = told.at - behind
            ours = subject.make(None, clock=lambda now=now: now)
            (event,) = ours.parse(subject.account, body)
            assert event == replace(told, at=told.at if believed else now)


async def test_words_arrive_with_a_sender_that_can_be_answered(
    channel: Channel, subject: Subject, network: Provider
) -> None:
    (event,) = channel.parse(subject.account, subject.said("Где заказ?", "m1"))
    assert isinstance(event, InboundMessage)
    assert event.content == Content(ContentType.TEXT, text="Где заказ?")
    assert event.at.tzinfo is not None
    network.answer(subject.accepted)
    answer = replace(words(subject), recipient=Recipient(event.sender), reply_to=event.provider_id)
    await channel.send(at(subject, network.url), answer, timeout_s=2)
    assert len(network.heard) == 1


async def test_the_same_event_has_the_same_key_and_another_has_another(
    channel: Channel, subject: Subject
) -> None:
    bodies = [subject.said("Раз", "m1"), subject.said("Раз", "m2"), subject.unknown]
    if subject.reported:
        ours = MessageId(new_id())
        bodies += [subject.reported("m1", status, ours) for status in ReportedStatus]
    keys = [event.event_key for body in bodies for event in channel.parse(subject.account, body)]
    again = [event.event_key for body in bodies for event in channel.parse(subject.account, body)]
    assert keys == again
    assert len(set(keys)) == len(bodies)


async def test_a_kind_that_nobody_knows_is_unsupported(channel: Channel, subject: Subject) -> None:
    (event,) = channel.parse(subject.account, subject.unknown)
    assert isinstance(event, InboundMessage)
    assert event.content.type is ContentType.UNSUPPORTED
    assert event.sender


async def test_reports_find_our_message(channel: Channel, subject: Subject) -> None:
    if subject.reported is None:
        assert channel.capabilities.reports == frozenset()
        return
    ours = MessageId(new_id())
    for status in channel.capabilities.reports:
        (event,) = channel.parse(subject.account, subject.reported("m1", status, ours))
        assert isinstance(event, StatusReport)
        assert (event.status, event.provider_id, event.message_id) == (status, "m1", ours)
        assert (event.failure is not None) == (status is ReportedStatus.FAILED)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\x00", b'"' + b"[" * 5000])
async def test_what_is_not_its_format_is_a_value_error(
    channel: Channel, subject: Subject, body: bytes
) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the class is the contract
        channel.parse(subject.account, body)


async def test_another_account_hears_nothing(channel: Channel, subject: Subject) -> None:
    if not subject.shares_its_address:
        pytest.skip("each account has an address and a signature of its own")
    stranger = replace(subject.account, external_id="someone else")
    assert channel.parse(stranger, subject.said("Где заказ?", "m1")) == []


async def test_every_event_can_be_printed_as_one_line(channel: Channel, subject: Subject) -> None:
    for body in (subject.said("Где заказ?", "m1"), subject.unknown):
        for event in channel.parse(subject.account, body):
            line = normalised(event)
            assert list(line) == NORMALISED
            assert json.loads(json.dumps(line)) == line


# -- what we tell it -------------------------------------------------------------------------------


async def test_a_send_is_one_request(channel: Channel, subject: Subject, network: Provider) -> None:
    network.answer(subject.accepted)
    took = await channel.send(at(subject, network.url), words(subject), timeout_s=2)
    assert took.provider_id
    assert len(network.heard) == 1
    assert "Здравствуйте" in json.dumps(network.heard[0].json, ensure_ascii=False)


async def test_a_refusal_is_told_in_our_words(
    channel: Channel, subject: Subject, network: Provider
) -> None:
    network.answer(subject.refusal, status=400)
    with pytest.raises(Rejected) as told:
        await channel.send(at(subject, network.url), words(subject), timeout_s=2)
    assert told.value.failure.failure_class is FailureClass.NOT_ON_CHANNEL
    assert told.value.failure.code
    assert len(network.heard) == 1


async def test_nobody_listening_took_nothing(channel: Channel, subject: Subject) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(Rejected) as told:
            await channel.send(at(subject, url), words(subject), timeout_s=2)
    assert told.value.failure.failure_class is FailureClass.TRANSIENT


async def test_what_cannot_leave_in_time_does_not_leave(
    channel: Channel, subject: Subject, network: Provider
) -> None:
    network.answer(subject.accepted)
    late = replace(words(subject), leave_within_s=0.0)
    with pytest.raises(Rejected) as told:
        await channel.send(at(subject, network.url), late, timeout_s=2)
    assert told.value.failure.failure_class is FailureClass.TRANSIENT
    assert network.heard == []
    in_time = replace(late, leave_within_s=2.0)
    assert (await channel.send(at(subject, network.url), in_time, timeout_s=2)).provider_id


@pytest.mark.parametrize("breaks", [Provider.hang_up, Provider.break_off, Provider.fall_silent])
async def test_a_lost_answer_is_ambiguous_and_nothing_is_repeated(
    channel: Channel, subject: Subject, network: Provider, breaks: Callable[[Provider], object]
) -> None:
    told = breaks(network)
    with pytest.raises(Ambiguous):
        await channel.send(at(subject, network.url), words(subject), timeout_s=0.3)
    if isinstance(told, asyncio.Event):
        told.set()
    assert len(network.heard) == 1


async def test_a_redirect_leads_nowhere(
    channel: Channel, subject: Subject, network: Provider
) -> None:
    network.answer({}, status=302, headers={"Location": f"{network.url}/elsewhere"})
    with pytest.raises(Rejected):
        await channel.send(at(subject, network.url), words(subject), timeout_s=2)
    assert len(network.heard) == 1


async def test_no_account_prints_its_secrets(subject: Subject) -> None:
    assert not any(secret in repr(subject.account) for secret in subject.account.secrets.values())


async def test_limits_are_ones_a_composer_can_keep(channel: Channel, subject: Subject) -> None:
    limits = channel.capabilities
    assert channel.kind is subject.account.kind
    assert limits.max_text > 0
    assert limits.messages_per_second > 0
    assert all(size > 0 for size in limits.media_limits.values())
    assert limits.window_s is None or limits.window_s > 0
