"""What a judge may set: accounts, templates, lines, numbers and how they behave."""

from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Json = dict[str, Any]
Template = Json


class Behaviour(StrEnum):
    """How a number treats what is sent to it."""

    REACHABLE = "reachable"
    NOT_ON_WHATSAPP = "not_on_whatsapp"
    NOT_ON_WHATSAPP_AFTER_SENT = "not_on_whatsapp_after_sent"
    OFFLINE = "offline"
    LATE = "late"
    DUPLICATES = "duplicates"
    REORDER = "reorder"
    THROTTLED = "throttled"
    SLOW = "slow"
    BREAKS = "breaks"
    SILENT = "silent"
    BLOCKED = "blocked"
    ECOSYSTEM = "ecosystem"
    REFUSED = "refused"
    FAILS = "fails"
    HELD = "held"
    MANUAL = "manual"


class Spec(BaseModel):
    """Unknown fields are refused: a typing mistake in a test must not pass silently."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Manner(Spec):
    """A behaviour with its timing."""

    behaviour: Behaviour = Behaviour.REACHABLE
    accepted_ms: float = Field(60, ge=0)
    sent_ms: float = Field(150, ge=0)
    delivered_ms: float = Field(450, ge=0)
    failed_ms: float = Field(300, ge=0)
    read_ms: float = Field(400, ge=0)
    late_ms: float = Field(15_000, ge=0)
    slow_ms: float = Field(5_000, ge=0)
    jitter: float = Field(0.0, ge=0, le=1)
    copies: int = Field(3, ge=1, le=50)
    code: int | None = None
    times: int | None = Field(None, ge=1)
    then: Behaviour = Behaviour.REACHABLE


class NumberSpec(Manner):
    """A named phone."""

    number: str
    name: str | None = None
    online: bool | None = None
    sms: Behaviour | None = None


class NumberChange(Spec):
    """What to change about one phone; what is left out stays."""

    behaviour: Behaviour | None = None
    accepted_ms: float | None = None
    sent_ms: float | None = None
    delivered_ms: float | None = None
    failed_ms: float | None = None
    read_ms: float | None = None
    late_ms: float | None = None
    slow_ms: float | None = None
    jitter: float | None = None
    copies: int | None = None
    code: int | None = None
    times: int | None = None
    then: Behaviour | None = None
    name: str | None = None
    online: bool | None = None
    sms: Behaviour | None = None


class TemplateSpec(BaseModel):
    """A template as Meta lists it; components stay in Meta's own form."""

    model_config = ConfigDict(extra="allow", frozen=True)

    name: str
    language: str
    category: Literal["UTILITY", "MARKETING", "AUTHENTICATION"] = "UTILITY"
    status: Literal["APPROVED", "PENDING", "REJECTED", "PAUSED", "DISABLED"] = "APPROVED"
    parameter_format: Literal["NAMED", "POSITIONAL"] = "POSITIONAL"
    message_send_ttl_seconds: int | None = Field(None, ge=30, le=43_200)
    components: list[Json] = []


class AccountSpec(Spec):
    """One business number and where its webhooks go; of kind `sms`, a sender at the SMS provider."""

    kind: Literal["whatsapp", "sms"] = "whatsapp"
    phone_number_id: str
    waba_id: str = ""
    display_number: str
    name: str = "Business"
    token: str
    app_secret: str
    verify_token: str = ""
    webhook_url: str | None = None
    templates: list[TemplateSpec] = []
    mps: int = Field(80, ge=0)
    pair_rate: bool = True
    window_errors: Literal["sync", "async"] = "sync"
    bsuid: Literal["off", "both", "only"] = "off"
    daily_tier: str = "TIER_250"
    batch_max: int = Field(1000, ge=1, le=1000)
    batch_linger_ms: float = Field(15, ge=0)
    webhook_concurrency: int = Field(4, ge=1, le=64)
    webhook_timeout_s: float = Field(10, gt=0)
    webhook_attempts: int = Field(0, ge=0)
    webhook_backoff_max_s: float = Field(30, gt=0)


class LineSpec(Spec):
    """A dialled number whose IVR the phone plays against the product."""

    number: str
    base_url: str
    key: str
    brand: str = "Toyshop"
    language: Literal["ru", "en"] = "ru"
    intent: str | None = None
    ivr_path: list[str] = []
    voice_wait_s: int = 540
    queue_position: int = 31
    offer_wait_s: float = Field(8, gt=0)
    offer_every_s: float = Field(20, gt=0)
    answer_after_s: float = Field(90, ge=0)
    deadline_ms: int = 2500
    can_poll: bool = False
    confirm: Literal["accepted", "sent", "delivered"] | None = None
    chat_account: str | None = None
    prompts: dict[str, dict[str, str]] = {}


class Config(Spec):
    """Everything a sandbox is told at its start, or later."""

    accounts: list[AccountSpec] = []
    lines: list[LineSpec] = []
    numbers: list[NumberSpec] = []
    default: Manner | None = None
    presets: bool = False
