"""The words that open the chat, and the card that tells everyone behind it about the call."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from core.ids import DeflectionId, WorkspaceId, public
from ivr_bridge.callers import Caller
from ivr_bridge.documents import CallRequest
from ivr_bridge.evidence import Confirm
from ivr_bridge.guard.limits import NO_LIMITS, Limits
from ivr_bridge.line import Line, Values
from ivr_bridge.readiness import Ready
from ivr_bridge.reading import clean, storable
from messaging.content import Content, ContentType, Option
from messaging.templates import render, use

CONTINUE, NOT_ME = "c:", "n:"
"""How the payloads of the two buttons begin (handoff/triage reads them)."""

WORTH_S = {Confirm.DELIVERED: 60, Confirm.SENT: 3600, Confirm.ACCEPTED: 3600}
"""How long an opening is worth delivering: one that must be seen at once is worthless later, one that
was promised may come when the phone is back. A template's own time to live should be no longer
(the Cloud API takes none with the message; config/workspaces/model.py)."""
REPORTING_LAG_S = 60


@dataclass(frozen=True, slots=True)
class Wish:
    """A request that was understood, on a line that its key may use."""

    workspace_id: WorkspaceId
    line: Line
    request: CallRequest
    caller: Caller
    call_id: str
    language: str
    dropped: Sequence[str] = ()
    limits: Limits = NO_LIMITS
    """What stands in its way, looked at when it is about to be decided."""

    @property
    def known_caller(self) -> str | None:
        """The caller's number, when it may be known."""
        return None if self.caller.phone is None else self.caller.phone.e164

    @property
    def target(self) -> str | None:
        """The number to write to."""
        return None if self.caller.target is None else self.caller.target.e164


def content(wish: Wish, ready: Ready, deflection_id: UUID, *, free_words: bool) -> Content:
    """The line's opening for this call: the template, its very words where free ones may be used, or
    the channel's own words where it needs no template.
    """
    request = wish.request
    values = Values.of(
        wish.line,
        wish.language,
        brand=request.brand,
        intent=request.intent,
        context=request.context,
    )
    words = ready.words(wish.language)
    if words is not None:
        return Content(type=ContentType.TEXT, text=values.fill(words, at_most=600))
    template = ready.template(wish.line, wish.language)
    assert template is not None, "the rules saw it"  # noqa: S101
    parameters = [
        clean(values.fill(parameter)) for parameter in wish.line.opening[wish.language].parameters
    ]
    token = public("d", deflection_id)
    payloads = [f"{CONTINUE}{token}", f"{NOT_ME}{token}"][: len(template.buttons)]
    if not free_words:
        return use(template, parameters, button_payloads=payloads)
    options = tuple(
        Option(payload, title) for payload, title in zip(payloads, template.buttons, strict=False)
    )
    kind = ContentType.BUTTONS if options else ContentType.TEXT
    return Content(type=kind, text=render(template, parameters), options=options)


def fits(wish: Wish, ready: Ready) -> bool:
    """Can the line's opening be said on this channel now?"""
    if ready.words(wish.language) is not None:
        return True
    template = ready.template(wish.line, wish.language)
    if template is None or not template.usable:
        return False
    return len(template.parameters) == len(wish.line.opening[wish.language].parameters)


def ttl_s(wish: Wish, ready: Ready, *, free_words: bool) -> int | None:
    """How long the provider may still deliver it; None where nothing bounds that."""
    template = ready.template(wish.line, wish.language)
    worded = free_words or ready.words(wish.language) is not None
    return None if worded or template is None else template.ttl_s


def card(
    wish: Wish, deflection_id: DeflectionId, at: datetime, *, earlier_calls: int
) -> dict[str, Any]:
    """The call, as the bot and the operator see it."""
    request = wish.request
    told: Mapping[str, Any] = {
        "call_id": wish.call_id,
        "line": {"number": wish.line.number, "title": wish.line.title},
        "caller": wish.known_caller or wish.target,
        "at": at.isoformat(),
        "ivr_path": list(request.ivr_path),
        "digits": request.digits,
        "intent": request.intent,
        "voice_wait_s": request.voice_wait_s,
        "queue_position": request.queue_position,
        "context": request.context,
        "customer": None if request.customer is None else request.customer.model_dump(),
        "brand": request.brand or wish.line.brand,
        "deflection_id": public("d", deflection_id),
        "earlier_calls": earlier_calls,
        "outcome": None,
        "rescue": False,
        "return_to_voice": wish.line.terms.return_to_voice is not None,
    }
    stored: dict[str, Any] = storable(told)
    return stored


def asked(wish: Wish) -> dict[str, Any]:
    """What the IVR told with its request, for the explanation of the decision."""
    request = wish.request
    told = {
        "language": wish.language,
        "intent": request.intent,
        "ivr_path": list(request.ivr_path) or None,
        "digits": request.digits,
        "voice_wait_s": request.voice_wait_s,
        "queue_position": request.queue_position,
        "offer_stage": request.offer_stage,
        "deadline_ms": request.deadline_ms,
        "keyed_in": wish.caller.keyed_in or None,
        "withheld": wish.caller.withheld or None,
        "asked_language": request.language,
        "brand": request.brand,
        "segment": None if request.customer is None else request.customer.segment,
        "channels": list(request.channels) or None,
        "confirm": None if request.confirm is None else request.confirm.value,
        "dropped": list(wish.dropped) or None,
    }
    return {name: storable(value) for name, value in told.items() if value is not None}


def consent(wish: Wish) -> dict[str, Any]:
    """What was agreed to and how we know; without word from the IVR, what the line declares."""
    given, line = wish.request.consent, wish.line.consent
    if given is None or given.given is None:
        return {
            "source": "declared_by_line",
            "method": line.method,
            "prompt_version": line.prompt_version,
        }
    # What the IVR named itself and could not be read is not what the line declares.
    unread = set(wish.dropped)
    told = {
        "source": "ivr",
        "given": given.given,
        "method": given.method or (None if "consent.method" in unread else line.method),
        "prompt_version": given.prompt_version
        or (None if "consent.prompt_version" in unread else line.prompt_version),
        "at": None if given.at is None else given.at.isoformat(),
    }
    return {name: storable(value) for name, value in told.items() if value is not None}
