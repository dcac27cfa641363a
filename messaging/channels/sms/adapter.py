"""SMS as a channel: text only, without a window, to any telephone number."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import aiohttp

from core.clock import Clock, utc_now
from core.vocabulary import ChannelKind
from messaging.channel import (
    Accepted,
    Account,
    Capabilities,
    Failure,
    FailureClass,
    InboundEvent,
    MediaFile,
    Outgoing,
    Rejected,
    RemoteMedia,
    ReportedStatus,
)
from messaging.channels.exchange import ask
from messaging.channels.sms import inbound, outbound
from messaging.channels.sms.provider import Provider, provider

CAPABILITIES = Capabilities(
    window_s=None,
    max_text=918,
    reports=frozenset({ReportedStatus.SENT, ReportedStatus.DELIVERED, ReportedStatus.FAILED}),
    messages_per_second=10.0,
    pair_interval_s=2.0,
    pair_burst=5,
    media_limits=MappingProxyType({}),
    # CTIA Messaging Principles 5.1.3 name the English ones; operators elsewhere have their own.
    stop_words=frozenset(
        {"stop", "stopall", "unsubscribe", "cancel", "end", "quit", "стоп", "отписаться", "отпиши"}
    ),
)


class Sms:
    """Speaks to any number of described providers over one shared session."""

    kind: ChannelKind = ChannelKind.SMS
    capabilities: Capabilities = CAPABILITIES

    def __init__(self, session: aiohttp.ClientSession, *, clock: Clock = utc_now) -> None:
        """`clock` dates only what the provider itself left without a time."""
        self._session = session
        self._clock = clock

    def verify(self, account: Account, headers: Mapping[str, str], body: bytes) -> bool:
        """Known by its signature or secret; a provider without a described webhook sends none."""
        if "provider" not in account.secrets:
            return False
        webhook = described(account).webhook
        return webhook is not None and inbound.is_known(webhook, headers, body)

    def handshake(self, account: Account, query: Mapping[str, str]) -> str | None:
        """SMS providers ask nothing."""
        del account, query
        return None

    def parse(self, account: Account, body: bytes) -> Sequence[InboundEvent]:
        """Reports and answers in the body."""
        webhook = described(account).webhook
        return [] if webhook is None else list(inbound.events(webhook, body, self._clock()))

    async def send(self, account: Account, outgoing: Outgoing, *, timeout_s: float) -> Accepted:
        """One request for one message."""
        how = described(account)
        filled = outbound.values(how, outgoing, account.external_id)
        reply = await ask(
            self._session,
            how.send.method,
            outbound.address(account.base_url, how, filled),
            headers=outbound.headers(how, filled),
            data=outbound.letter(how, filled),
            timeout_s=timeout_s,
            leave_within_s=outgoing.leave_within_s,
        )
        return outbound.judged(how, reply, str(outgoing.message_id))

    async def mark_read(
        self, account: Account, provider_id: str, *, typing: bool, timeout_s: float
    ) -> None:
        """Nobody sees on a telephone whether a short message was read."""
        del account, provider_id, typing, timeout_s

    async def upload(self, account: Account, media: MediaFile, *, timeout_s: float) -> str:
        """Text only."""
        del account, media, timeout_s
        raise _text_only()

    async def download(
        self, account: Account, media: RemoteMedia, *, limit: int, timeout_s: float
    ) -> tuple[bytes, str]:
        """Text only."""
        del account, media, limit, timeout_s
        raise _text_only()


def described(account: Account) -> Provider:
    """How this account's provider is spoken to."""
    return provider(account.secrets["provider"])


def _text_only() -> Rejected:
    return Rejected(Failure(FailureClass.OUR_REQUEST, "text_only"))
