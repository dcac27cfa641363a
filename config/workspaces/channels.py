"""The channels of a workspace file, and the accounts that they become."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from core.vocabulary import ChannelKind, phone_number
from messaging.accounts import AccountDraft
from messaging.channels.sms import Provider

AddressName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
"""A name that stands in the address of webhooks: no underscore, as the database says too."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class WhatsAppPart(_Part):
    """One business number on WhatsApp."""

    name: AddressName
    kind: Literal[ChannelKind.WHATSAPP]
    phone_number_id: str = Field(min_length=1)
    waba_id: str = Field(min_length=1)
    number: str
    access_token: str = Field(min_length=1)
    app_secret: str = Field(min_length=1)
    app_secret_previous: str | None = None
    verify_token: str = Field(min_length=1)
    base_url: str = "https://graph.facebook.com"
    graph_version: str = Field("v26.0", pattern=r"^v\d+\.\d+$")
    messages_per_second: float = Field(80, gt=0, le=1000)
    users_per_day: int | None = Field(None, ge=1)
    """People outside a window in 24 hours: 250, 2000, 10000 or 100000 by the provider's tier."""

    @field_validator("number")
    @classmethod
    def _is_a_number(cls, number: str) -> str:
        parsed = phone_number(number)
        if parsed is None:
            raise ValueError(f"{number!r} is no telephone number; write it as +74951234567")
        return parsed.e164

    def draft(self) -> AccountDraft:
        """The account that this is."""
        secrets = {
            "access_token": self.access_token,
            "app_secret": self.app_secret,
            "verify_token": self.verify_token,
        }
        if self.app_secret_previous:
            secrets["app_secret_previous"] = self.app_secret_previous
        return AccountDraft(
            name=self.name,
            kind=self.kind,
            base_url=self.base_url.rstrip("/"),
            external_id=self.phone_number_id,
            settings={
                "graph_version": self.graph_version,
                "waba_id": self.waba_id,
                "number": self.number,
                "messages_per_second": str(self.messages_per_second),
                **({"users_per_day": str(self.users_per_day)} if self.users_per_day else {}),
            },
            secrets=secrets,
        )


class SmsPart(_Part):
    """An SMS provider, described rather than programmed (docs/channels/sms.md)."""

    name: AddressName
    kind: Literal[ChannelKind.SMS]
    base_url: str = Field(min_length=1)
    sender: str = Field(min_length=1, max_length=20)
    messages_per_second: float = Field(10, gt=0, le=1000)
    provider: Provider

    def draft(self) -> AccountDraft:
        """The account that this is; its description is sealed whole, because headers carry secrets."""
        webhook = self.provider.webhook
        settings = {"messages_per_second": str(self.messages_per_second)}
        if webhook is not None and webhook.addresses:
            settings["webhook_addresses"] = ",".join(map(str, webhook.addresses))
        return AccountDraft(
            name=self.name,
            kind=self.kind,
            base_url=self.base_url.rstrip("/"),
            external_id=self.sender,
            settings=settings,
            secrets={"provider": self.provider.stored()},
        )


ChannelPart = Annotated[WhatsAppPart | SmsPart, Field(discriminator="kind")]
