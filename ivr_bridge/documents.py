"""What an IVR sends, as documented; how leniently it is read stands in `reading`."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

from ivr_bridge.evidence import Confirm
from ivr_bridge.outcome import Action, PromptKey, Reason

MAX_CALL_ID = 512


def _as_text(value: object) -> object:
    """Dialplans write numbers where they mean words."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _as_list(value: object) -> object:
    """A form has no lists: `main,1` and `main/1` are paths."""
    if isinstance(value, str):
        return [part.strip() for part in value.replace("/", ",").split(",") if part.strip()]
    return [_as_text(part) for part in value] if isinstance(value, list | tuple) else value


def _unless_it_says_no(value: object, read: ValidatorFunctionWrapHandler) -> bool:
    """Something was said that cannot be read: the caller may have asked to be hidden. Nothing said, as
    by a variable that is not set, is no such wish.
    """
    if value is None or (isinstance(value, str) and not value.strip()):
        return False
    try:
        return bool(read(value.strip() if isinstance(value, str) else value))
    except ValidationError:
        return True


def _as_consent(value: object) -> object:
    """A bare `true` or `false` says whether it was given; what is empty says nothing."""
    if not isinstance(value, Mapping):
        return None if _is_empty(value) else {"given": value}
    told = {name: None if _is_empty(each) else each for name, each in value.items()}
    return told if any(each is not None for each in told.values()) else None


def _stripped(value: object) -> object:
    return value.strip() if isinstance(value, str) else value


def _is_empty(value: object) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


Withheld = Annotated[bool, WrapValidator(_unless_it_says_no)]
Text = Annotated[str, BeforeValidator(_as_text)]
Short = Annotated[str, BeforeValidator(_as_text), Field(max_length=200)]
Path = Annotated[tuple[Short, ...], BeforeValidator(_as_list), Field(max_length=50)]


class _Document(BaseModel):
    # Unknown fields are ignored: an IVR vendor's extras must not cost a call.
    model_config = ConfigDict(extra="ignore", frozen=True)


class ConsentGiven(_Document):
    """The caller's agreement, as the IVR observed it."""

    given: Annotated[bool | None, BeforeValidator(_stripped)] = True
    """None where a variable was not set: that says no more than no consent at all."""
    method: Short | None = None
    prompt_version: Short | None = None
    at: datetime | None = None


class Customer(_Document):
    """Who the company's own systems think is calling."""

    id: Short | None = None
    segment: Short | None = None


class CallRequest(_Document):
    """A call that asks: may it be offered a messenger, or move there now?

    Only `call_id`, `caller` (or `caller_withheld`) and `line` are required.
    """

    call_id: Annotated[Text, Field(min_length=1, max_length=MAX_CALL_ID)]
    line: Annotated[Text, Field(min_length=1, max_length=200)]
    caller: Annotated[Text | None, Field(max_length=500)] = None
    caller_withheld: Withheld = False
    messenger_number: Annotated[Text | None, Field(max_length=200)] = None
    attempt: Annotated[int | None, Field(ge=1, le=1000)] = None
    brand: Short | None = None
    language: Short | None = None
    intent: Short | None = None
    ivr_path: Path = ()
    digits: Short | None = None
    voice_wait_s: Annotated[int | None, Field(ge=0, le=86_400)] = None
    queue_position: Annotated[int | None, Field(ge=0, le=1_000_000)] = None
    offer_stage: Short | None = None
    consent: Annotated[ConsentGiven | None, BeforeValidator(_as_consent)] = None
    customer: Customer | None = None
    context: dict[str, Any] = Field(default_factory=dict)
    deadline_ms: int | None = None
    can_poll: bool = False
    confirm: Confirm | None = None
    channels: Path = ()
    dry_run: bool = False


class CallEvent(_Document):
    """Something that happened to a call."""

    call_id: Annotated[Text, Field(min_length=1, max_length=MAX_CALL_ID)]
    line: Annotated[Text, Field(min_length=1, max_length=200)]
    event: Literal[
        "entered", "offered", "declined", "accepted", "queued", "answered", "ended", "returned"
    ]
    at: datetime | None = None
    event_id: Annotated[Text | None, Field(max_length=200)] = None
    attempt: Annotated[int | None, Field(ge=1, le=1000)] = None
    caller: Annotated[Text | None, Field(max_length=500)] = None
    caller_withheld: Withheld = False
    voice_wait_s: Annotated[int | None, Field(ge=0, le=86_400)] = None
    queue_position: Annotated[int | None, Field(ge=0, le=1_000_000)] = None


class CallEvents(BaseModel):
    """One event, or up to 1,000 under `events`."""

    events: Annotated[Sequence[CallEvent], Field(max_length=1000)]


class EventRefused(BaseModel):
    """An event that was not taken."""

    index: int
    code: str
    detail: str


class EventsTaken(BaseModel):
    """How a batch went: what was refused is named, the rest is recorded."""

    accepted: int
    duplicates: int
    refused: Sequence[EventRefused]


class DecisionDocument(BaseModel):
    """The answer; `action` is all that an IVR needs, and it comes last."""

    deflection_id: str | None
    state: str
    reason: Reason
    channel: str | None
    reachability: Literal["confirmed", "unreachable", "unknown"]
    evidence: str
    prompt_key: PromptKey
    chat_wait_s: int | None
    variant: Literal["treat", "hold_out"]
    valid_for_s: int | None
    poll_after_ms: int | None
    elapsed_ms: int
    trace: Sequence[dict[str, Any]] | None = None
    trace_id: str
    action: Action
