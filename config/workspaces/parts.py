"""The parts of the workspace file: what may stand in each, refused with a line that says why."""

from typing import Annotated, Literal, Self

import phonenumbers
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    IPvAnyNetwork,
    field_validator,
    model_validator,
)

from config.workspaces.channels import AddressName
from core.access import Role
from core.access.issuing import too_wide
from core.outgoing.destinations import written_well
from core.outgoing.signing import key_of
from core.vocabulary import phone_number
from ivr_bridge.news import News
from ivr_bridge.terms import LineTerms

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
LanguageCode = Annotated[str, Field(pattern=r"^[a-z]{2}$")]
_SHORTEST_KEY = 20
_SHORTEST_PASSWORD = 10


class _Part(BaseModel):
    """Unknown words are refused: a misspelt setting must not be silently without effect."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class WorkspacePart(_Part):
    """Who this tenant is."""

    name: AddressName
    title: str = Field(min_length=1, max_length=120)
    accent: str | None = Field(None, pattern=r"^#[0-9a-fA-F]{6}$")


class TemplatePart(_Part):
    """An approved template, word for word as the provider has it."""

    name: str = Field(pattern=r"^[a-z0-9_]{1,512}$")
    channel: Name
    language: str = Field(pattern=r"^[a-z]{2,3}(_[A-Z]{2})?$")
    category: Literal["utility", "marketing", "authentication"] = "utility"
    body: str = Field(min_length=1, max_length=1024)
    footer: str | None = Field(None, max_length=60)
    parameters: list[str] = []
    buttons: list[Annotated[str, Field(max_length=25)]] = Field([], max_length=10)
    ttl_s: int | None = Field(None, ge=30, le=43_200)


class ConsentPart(_Part):
    """How the caller agrees, and to which prompt."""

    method: Literal["dtmf", "voice"] = "dtmf"
    prompt_version: str = Field(min_length=1, max_length=64)
    text: str = ""
    require_explicit: bool = False


class OpeningPart(_Part):
    """The first message, in one language: which template with which values."""

    template: str
    parameters: list[str] = []


Secrets = Annotated[list[Annotated[str, Field(min_length=8)]], Field(max_length=2)]


class SigningPart(_Part):
    """How the line's platform signs what it sends; two secrets while one takes the other's place."""

    twilio: Secrets = []
    """Auth tokens of the Twilio account."""
    jambonz: Secrets = []
    """Webhook secrets of the jambonz account."""


class LinePart(LineTerms):
    """A dialled number, with its terms."""

    name: Name
    title: str
    numbers: list[str] = Field(min_length=1)
    country: str = Field(pattern=r"^[A-Z]{2}$")
    key: str
    key_previous: str | None = None
    """Still good while the IVRs change over to the new one."""
    networks: list[IPvAnyNetwork] = Field(default_factory=list)
    """Where its keys work; everywhere when there is none."""
    keyless_networks: list[IPvAnyNetwork] = Field(default_factory=list)
    """Where requests need no key: for platforms that can send none."""
    channel: Name
    opening: dict[LanguageCode, OpeningPart] = Field(min_length=1)
    prompts: dict[str, dict[LanguageCode, str]] = Field(default_factory=dict)
    continue_to: str | None = None
    goodbye: dict[LanguageCode, str] = Field(default_factory=dict)
    confirm: Literal["accepted", "sent", "delivered"] = "sent"
    grace_ms: int = Field(800, ge=0, le=10_000)
    deadline_ms: int | None = Field(None, ge=500, le=12_000)
    rescue_after_s: int | None = Field(None, ge=30, le=86_400)
    repeat_call_s: int = Field(24 * 3600, ge=0, le=30 * 86_400)
    declined_s: int = Field(24 * 3600, ge=0, le=30 * 86_400)
    signing: SigningPart = SigningPart()
    consent: ConsentPart
    flow: Name
    queue: Name
    callback_queue: Name | None = None
    enabled: bool = True

    @property
    def terms(self) -> LineTerms:
        """What holds on it, apart from who answers."""
        return LineTerms(**{name: getattr(self, name) for name in LineTerms.model_fields})

    @field_validator("key", "key_previous")
    @classmethod
    def _cannot_be_guessed(cls, key: str | None) -> str | None:
        if key is not None and len(key) < _SHORTEST_KEY:
            raise ValueError(f"a key needs at least {_SHORTEST_KEY} random characters")
        return key

    @field_validator("keyless_networks")
    @classmethod
    def _are_narrow(cls, networks: list[IPvAnyNetwork]) -> list[IPvAnyNetwork]:
        for network in networks:
            if too_wide(network):
                raise ValueError(f"{network} is too wide to be let in without a key")
        return networks

    @field_validator("numbers")
    @classmethod
    def _are_numbers(cls, numbers: list[str]) -> list[str]:
        for number in numbers:
            if phone_number(number) is None:
                raise ValueError(f"{number!r} is no telephone number; write it as +74951234567")
        return numbers

    @field_validator("country")
    @classmethod
    def _is_a_country(cls, country: str) -> str:
        if country not in phonenumbers.SUPPORTED_REGIONS:
            raise ValueError(f"{country!r} is no ISO 3166 country")
        return country


class QueuePart(_Part):
    """Where conversations wait for a team."""

    name: Name
    title: str
    reservation_s: int = Field(30, ge=5, le=900)
    wrapup_s: int = Field(30, ge=0, le=3600)
    unanswered_s: int = Field(180, ge=30, le=86_400)
    reopen_within_s: int = Field(24 * 3600, ge=0, le=30 * 86_400)


class PersonPart(_Part):
    """Someone who can sign in."""

    email: str = Field(pattern=r"^[^@\s]+@[^@\s]+$")
    name: str = Field(min_length=1)
    roles: list[Role] = Field(min_length=1)
    queues: list[Name] = []
    capacity: int = Field(5, ge=0, le=100)
    password: str | None = None
    see_phone: bool = False

    # Checked here and not in the schema, which editors hold against the file with its `${…}`.
    @field_validator("password")
    @classmethod
    def _is_long(cls, password: str | None) -> str | None:
        if password is not None and len(password) < _SHORTEST_PASSWORD:
            raise ValueError(f"a password needs at least {_SHORTEST_PASSWORD} characters")
        return password


class WebhookPart(_Part):
    """Where a company's own system hears what became of its calls."""

    name: Name
    url: str
    secret: str
    secret_previous: str | None = None
    events: list[News] = []
    private: bool = False
    include_caller: bool = False

    # Checked here and not in the schema, which editors hold against the file with its `${…}`.
    @field_validator("secret", "secret_previous")
    @classmethod
    def _is_a_secret(cls, secret: str | None) -> str | None:
        if secret is not None:
            key_of(secret)
        return secret

    @model_validator(mode="after")
    def _is_an_address(self) -> Self:
        written_well(self.url, private=self.private)
        return self


class FlowPart(_Part):
    """A triage scenario in a file of its own, beside this one."""

    name: Name
    file: str
