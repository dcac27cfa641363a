"""The protocol every channel adapter keeps.

An adapter is stateless: credentials come in with each call, nothing is stored. It translates wire
formats and provider codes once; nobody above it reads a provider's code.

Sending is at most once from the adapter's side: it makes one request and never retries. What it
raises says what is known afterwards: `Rejected` means the provider certainly did not take the
message, `Ambiguous` means nobody can say, and a later status may settle it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from core.ids import AccountId, MessageId, WorkspaceId
from core.vocabulary import ChannelKind
from messaging.content import Content


@dataclass(frozen=True, slots=True)
class Account:
    """A business number, bot or page, with what is needed to speak for it."""

    workspace_id: WorkspaceId
    id: AccountId
    name: str
    kind: ChannelKind
    base_url: str
    external_id: str
    """The id the provider knows it by: a WhatsApp phone_number_id."""
    settings: Mapping[str, str]
    secrets: Mapping[str, str] = field(repr=False)


class AddressKind(StrEnum):
    """How a person can be addressed on some channel."""

    PHONE = "phone"
    WA_ID = "wa_id"
    BSUID = "bsuid"
    USER_ID = "user_id"


@dataclass(frozen=True, slots=True, repr=False)
class Recipient:
    """Everything known that could reach one person; the adapter picks what its channel takes."""

    addresses: Mapping[AddressKind, str]


@dataclass(frozen=True, slots=True)
class MediaFile:
    """A file on its way out: already at the provider (`provider_media_id`), or its bytes."""

    mime: str
    name: str | None
    provider_media_id: str | None
    content: bytes | None = field(repr=False, default=None)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message to put on the wire."""

    message_id: MessageId
    recipient: Recipient
    content: Content
    media: MediaFile | None = None
    reply_to: str | None = None
    leave_within_s: float | None = None
    """Where it must be on its way by then or not at all: waiting for a connection counts."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The provider took it. `learnt` are addresses that its answer taught us."""

    provider_id: str
    learnt: Mapping[AddressKind, str]


class FailureClass(StrEnum):
    """What a provider's refusal means for us."""

    TRANSIENT = "transient"
    """Ours or theirs, passing: retry with backoff (replies only, never an opening)."""
    PAIR_RATE = "pair_rate"
    """Too many to this one person: back off for this pair only."""
    NOT_ON_CHANNEL = "not_on_channel"
    """The address cannot be reached on this channel."""
    RECIPIENT = "recipient"
    """This person cannot or must not be written to (blocked by us, test list, self)."""
    OPTED_OUT = "opted_out"
    """The person told the provider to stop us."""
    NOT_TODAY = "not_today"
    """The provider's own choice; not within 24 hours."""
    WINDOW_CLOSED = "window_closed"
    """A template is needed."""
    OUR_REQUEST = "our_request"
    """The request is wrong: a defect of ours."""
    TEMPLATE = "template"
    """The template is paused, disabled or not approved."""
    ACCOUNT = "account"
    """The account is stopped: page someone, open the breaker."""
    EXPIRED = "expired"
    """Its time to live ran out."""
    UNKNOWN = "unknown"
    """A code nobody has told us about; treated as final, logged."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a message was not delivered, in our words and the provider's code."""

    failure_class: FailureClass
    code: str
    detail: str = ""


class Rejected(Exception):
    """The provider certainly did not take the message."""

    def __init__(self, failure: Failure, *, retry_after_s: float | None = None) -> None:
        super().__init__(f"{failure.failure_class}:{failure.code}")
        self.failure = failure
        self.retry_after_s = retry_after_s


class Ambiguous(Exception):
    """Nobody knows whether the provider took the message: timeout, broken connection, 5xx after the body."""


class ReportedStatus(StrEnum):
    """What a provider can report about a message that we sent."""

    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class StatusReport:
    """One status of one of our messages."""

    event_key: str
    """Unique per provider event: what deduplication compares."""
    status: ReportedStatus
    at: datetime
    provider_id: str
    message_id: MessageId | None
    """Our id, when the provider carried it back."""
    recipient: Mapping[AddressKind, str]
    failure: Failure | None = None
    pricing: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class RemoteMedia:
    """A file that a customer sent, still at the provider."""

    provider_media_id: str
    mime: str
    name: str | None = None
    sha256: str | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class InboundMessage:
    """One message from a customer."""

    event_key: str
    provider_id: str
    sender: Mapping[AddressKind, str]
    profile_name: str | None
    at: datetime
    content: Content
    media: RemoteMedia | None = None
    reply_to: str | None = None
    """The provider's id of the message that was answered or reacted to."""


@dataclass(frozen=True, slots=True)
class OtherEvent:
    """Anything else the provider told us: kept, not acted upon."""

    event_key: str
    type: str
    at: datetime


InboundEvent = InboundMessage | StatusReport | OtherEvent


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What the channel can do, so that the rooms above need not know which one it is."""

    window_s: int | None
    max_text: int
    reports: frozenset[ReportedStatus]
    messages_per_second: float
    pair_interval_s: float
    pair_burst: int
    media_limits: Mapping[str, int]
    """Largest size in bytes by the first part of the MIME type (`image`, `video`, `audio`, `application`)."""
    stop_words: frozenset[str] = frozenset()
    """A message that is one of these ends everything we send there, whatever else it means."""


class Channel(Protocol):
    """One messenger network."""

    kind: ChannelKind
    capabilities: Capabilities

    def verify(self, account: Account, headers: Mapping[str, str], body: bytes) -> bool:
        """Is this webhook from the provider? Constant time, over the raw bytes, before any parsing."""
        ...

    def handshake(self, account: Account, query: Mapping[str, str]) -> str | None:
        """The answer to the provider's set-up request, or None when its token is wrong."""
        ...

    def parse(self, account: Account, body: bytes) -> Sequence[InboundEvent]:
        """Every event of a verified webhook body that belongs to this account.

        Unknown kinds become `unsupported` messages or `OtherEvent`s. Raises ValueError only when the
        body as a whole is not the provider's format.
        """
        ...

    async def send(self, account: Account, outgoing: Outgoing, *, timeout_s: float) -> Accepted:
        """Put one message on the wire, once.

        Raises `Rejected` or `Ambiguous`; never retries. Opens nothing to redirects.
        """
        ...

    async def mark_read(
        self, account: Account, provider_id: str, *, typing: bool, timeout_s: float
    ) -> None:
        """Show the customer that the message was read, and optionally that someone is typing."""
        ...

    async def upload(self, account: Account, media: MediaFile, *, timeout_s: float) -> str:
        """Give the provider a file; answers its media id. Raises `Rejected` or `Ambiguous`."""
        ...

    async def download(
        self, account: Account, media: RemoteMedia, *, limit: int, timeout_s: float
    ) -> tuple[bytes, str]:
        """Fetch a customer's file: its bytes and MIME type. Raises `Rejected` (gone, too large) or `Ambiguous`."""
        ...


__all__ = [
    "Accepted",
    "Account",
    "AddressKind",
    "Ambiguous",
    "Capabilities",
    "Channel",
    "Failure",
    "FailureClass",
    "InboundEvent",
    "InboundMessage",
    "MediaFile",
    "OtherEvent",
    "Outgoing",
    "Recipient",
    "Rejected",
    "RemoteMedia",
    "ReportedStatus",
    "StatusReport",
]
