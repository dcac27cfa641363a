"""How an SMS provider is spoken to: what stands in a workspace file under `provider`."""

from collections.abc import Mapping
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from messaging.channel import FailureClass

Status = Annotated[int, Field(ge=100, le=599)]
Told = Literal["sent", "delivered", "read", "failed", "expired", "ignored"]

_SHORTEST_SECRET = 8


class _Part(BaseModel):
    """Unknown words are refused: a misspelt field name would be found out by a caller."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Sending(_Part):
    """The request that sends one message; `{to}`, `{text}`, `{id}` and `{from}` are filled in.

    `id` is ours, and comes back in reports as `reference` where the provider carries it.
    """

    method: Literal["POST", "PUT"] = "POST"
    path: str = Field(pattern=r"^/")
    """After the channel's `base_url`."""
    headers: Mapping[str, str] = {}
    json_body: Any = Field(None, alias="json")
    form: Mapping[str, str] | None = None
    number: Literal["e164", "digits"] = "e164"

    @model_validator(mode="after")
    def _has_one_body(self) -> Self:
        if (self.json_body is None) == (self.form is None):
            raise ValueError("give the body as either `json` or `form`")
        if "{to}" in self.path or "{text}" in self.path:
            # Addresses are logged on the way, by proxies and by providers.
            raise ValueError("numbers and texts belong into the body, not into the address")
        return self


class Acceptance(_Part):
    """The answers that mean: the provider took it."""

    statuses: tuple[Status, ...] = (200, 201, 202)
    path: str | None = None
    """Where the answer says so itself, for providers that answer 200 to everything."""
    values: tuple[str, ...] = ()
    id: str = "id"
    """Where the provider's id stands; without one, ours serves."""


class Refusal(_Part):
    """The answers that mean: it certainly did not and will not. Anything else means that nobody knows."""

    statuses: tuple[Status, ...] = (400, 401, 402, 403, 404, 405, 406, 410, 413, 415, 422, 429)
    values: tuple[str, ...] = ()
    """At the acceptance's `path`, within an accepting status."""
    code: str = "error.code"
    codes: Mapping[str, FailureClass] = {}


class Signature(_Part):
    """An HMAC over the raw body, in a header."""

    header: str
    secret: str = Field(min_length=1)
    algorithm: Literal["sha256", "sha1", "sha512"] = "sha256"
    encoding: Literal["hex", "base64"] = "hex"
    prefix: str = ""


class Secret(_Part):
    """A header that only the provider can know: a bearer, Basic credentials, a token."""

    header: str
    value: str = Field(min_length=_SHORTEST_SECRET)


class ReportFields(_Part):
    """Where a delivery report says what."""

    id: str = "id"
    reference: str = "reference"
    status: str = "status"
    code: str = "code"
    at: str = "at"


class MessageFields(_Part):
    """Where a customer's message says what."""

    id: str = "id"
    sender: str = Field("from", alias="from")
    text: str = "text"
    at: str = "at"


class Webhook(_Part):
    """What the provider sends to us, as JSON or as a form, and how we know that it is the provider."""

    signature: Signature | None = None
    secret: Secret | None = None
    addresses: tuple[IPv4Network | IPv6Network, ...] = ()
    """Where it comes from; on its own only when the provider has nothing better."""
    items: str | None = None
    """Where the list of events stands, when one body carries many."""
    report: ReportFields = ReportFields()
    statuses: Mapping[str, Told] = {
        "sent": "sent",
        "delivered": "delivered",
        "failed": "failed",
        "undelivered": "failed",
        "rejected": "failed",
        "expired": "expired",
        "accepted": "ignored",
        "queued": "ignored",
    }
    codes: Mapping[str, FailureClass] = {}
    message: MessageFields = MessageFields()

    @model_validator(mode="after")
    def _is_guarded(self) -> Self:
        if self.signature is None and self.secret is None and not self.addresses:
            raise ValueError("say how its webhooks are known: `signature`, `secret` or `addresses`")
        return self


class Provider(_Part):
    """One SMS provider."""

    send: Sending
    accepted: Acceptance = Acceptance()
    refused: Refusal = Refusal()
    webhook: Webhook | None = None
    max_segments: int = Field(6, ge=1, le=20)

    def stored(self) -> str:
        """As an account keeps it, sealed."""
        return self.model_dump_json(by_alias=True, exclude_defaults=True)


@lru_cache(maxsize=256)
def provider(stored: str) -> Provider:
    """The description back again."""
    return Provider.model_validate_json(stored)
