"""A line as the admin pages read and write it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Annotated, Any, Literal

import phonenumbers
from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic_core import PydanticCustomError

from core.ids import public
from ivr_bridge.documents import DecisionDocument
from ivr_bridge.evidence import Confirm
from ivr_bridge.line import Consent, Line, LineDraft, OpeningUse
from ivr_bridge.terms import LineTerms

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
LanguageCode = Annotated[str, Field(pattern=r"^[a-z]{2}$")]
Sentence = Annotated[str, Field(max_length=1000)]
Number = Annotated[str, Field(min_length=1, max_length=64)]

_DAY_S = 86_400
_MONTH_S = 30 * _DAY_S


class _Document(BaseModel):
    """Nothing in it that we do not know."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class OpeningWanted(_Document):
    """The first message, in one language: which template, with which values."""

    template: str = Field(min_length=1, max_length=512)
    parameters: tuple[Annotated[str, Field(max_length=500)], ...] = ()


class ConsentWanted(_Document):
    """How the caller agrees, and to which prompt."""

    method: Literal["dtmf", "voice"] = "dtmf"
    prompt_version: str = Field(min_length=1, max_length=64)
    text: Sentence = ""
    require_explicit: bool = False


class LineWanted(_Document):
    """A line as somebody wants it to be; its name stands in the address."""

    title: str = Field(min_length=1, max_length=120)
    numbers: tuple[Number, ...] = Field(min_length=1, max_length=100)
    country: str = Field(pattern=r"^[A-Z]{2}$")
    enabled: bool = True
    account: Name
    flow: Name
    queue: Name
    callback_queue: Name | None = None
    confirm: Confirm = Confirm.SENT
    grace_ms: int = Field(800, ge=0, le=10_000)
    deadline_ms: int | None = Field(None, ge=500, le=12_000)
    rescue_after_s: int | None = Field(None, ge=30, le=_DAY_S)
    repeat_call_s: int = Field(_DAY_S, ge=0, le=_MONTH_S)
    declined_s: int = Field(_DAY_S, ge=0, le=_MONTH_S)
    can_poll: bool = True
    continue_to: str | None = Field(None, max_length=500)
    opening: dict[LanguageCode, OpeningWanted] = Field(min_length=1)
    prompts: dict[str, dict[LanguageCode, Sentence]] = Field(default_factory=dict)
    goodbye: dict[LanguageCode, Sentence] = Field(default_factory=dict)
    topics: dict[str, dict[LanguageCode, Sentence]] = Field(default_factory=dict)
    consent: ConsentWanted
    terms: LineTerms = LineTerms()

    @field_validator("country")
    @classmethod
    def _is_a_country(cls, country: str) -> str:
        if country not in phonenumbers.SUPPORTED_REGIONS:
            raise PydanticCustomError(
                "country_unknown", "'{country}' is no ISO 3166 country", {"country": country}
            )
        return country

    def draft(self, name: str) -> LineDraft:
        """As the room keeps it, in people's hands from now on."""
        told = {
            field: getattr(self, field)
            for field in LineWanted.model_fields
            if field not in {"opening", "consent"}
        }
        return LineDraft(
            name=name,
            opening={
                language: OpeningUse(use.template, use.parameters)
                for language, use in self.opening.items()
            },
            consent=Consent(**self.consent.model_dump()),
            managed_by="pages",
            **told,
        )


class LineChange(_Document):
    """A change, and the version that it was made from; without one the line must be new."""

    line: LineWanted
    version: int | None = Field(None, ge=1)


class LineShown(_Document):
    """A line as it stands."""

    id: str
    name: str
    managed_by: Literal["file", "pages"]
    version: int
    line: LineWanted

    @classmethod
    def of(cls, line: Line) -> "LineShown":
        """This line, in the pages' words."""
        told: dict[str, Any] = {
            field: getattr(line, field)
            for field in LineWanted.model_fields
            if field not in {"opening", "consent"}
        }
        told["opening"] = {language: asdict(use) for language, use in line.opening.items()}
        told["consent"] = asdict(line.consent)
        return cls(
            id=public("ln", line.line_id),
            name=line.name,
            managed_by=line.managed_by,
            version=line.version,
            line=LineWanted.model_validate(told),
        )


class LinesShown(_Document):
    """Every line of the workspace, by name."""

    lines: Sequence[LineShown]


class TemplateChoice(_Document):
    """A template that a line may open with."""

    account: str
    name: str
    language: str
    body: str
    parameters: int
    buttons: Sequence[str]
    ttl_s: int | None
    """How long it may take to arrive, as it stands at the provider; without one, 30 days."""
    state: str


class Choices(_Document):
    """What a line may refer to."""

    accounts: Sequence[str]
    kinds: Mapping[str, str]
    """What each account is: `whatsapp`, `sms`."""
    flows: Sequence[str]
    queues: Sequence[str]
    templates: Sequence[TemplateChoice]
    languages: Sequence[str]
    line_schema: Mapping[str, Any]
    """The JSON Schema of a line: what the pages make their form from."""


class Trial(_Document):
    """A call that nobody makes: what would become of it?"""

    caller: str | None = Field(None, max_length=64)
    caller_withheld: bool = False
    messenger_number: str | None = Field(None, max_length=64)
    language: str | None = Field(None, max_length=20)
    intent: str | None = Field(None, max_length=200)
    voice_wait_s: int | None = Field(None, ge=0, le=_DAY_S)
    queue_position: int | None = Field(None, ge=0, le=1_000_000)
    offer_stage: str | None = Field(None, max_length=200)
    deadline_ms: int | None = Field(None, ge=0, le=60_000)
    channels: tuple[str, ...] = ()
    consent: Mapping[str, Any] | None = None
    terms: LineTerms | None = None
    """Terms that are not kept yet, to see what they would do."""


class TrialAnswer(_Document):
    """Both questions that an IVR asks about a call, answered without effect."""

    offer: DecisionDocument
    """Before the offer: /v1/eligibility."""
    press: DecisionDocument
    """After the caller pressed 1: /v1/deflections. `ok` means that the opening would be sent."""
