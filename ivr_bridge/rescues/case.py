"""A caller who may be stranded: all that is known of their attempt."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.ids import CallRef, ContactId, ConversationId, DeflectionId, LineId, public
from core.vocabulary import ChannelKind, PhoneNumber
from ivr_bridge.opening import REPORTING_LAG_S
from ivr_bridge.progress import state_word
from messaging.channel import FailureClass


@dataclass(frozen=True, slots=True)
class Case:
    """Everything that decides whether a caller needs a rescue."""

    deflection_id: DeflectionId
    call_ref: CallRef
    line_id: LineId
    outcome: str
    reason: str | None
    contact_id: ContactId | None
    conversation_id: ConversationId | None
    rescue_after_s: int
    call_id: str
    caller: str | None
    status: str | None
    failed_class: str | None
    callback_queue: str
    country: str
    line_title: str
    brand: str
    channel: str | None
    account: str
    flow: str
    queue: str
    terms: Mapping[str, Any]
    age_s: float
    ttl_s: int | None
    line_number: str | None
    asked: Mapping[str, Any]
    language: str
    phone: str | None
    caller_left: bool
    spoke: bool
    """A person took the call after all."""
    engaged: bool
    rescued: bool
    waits_for_us: ContactId | None
    """Whom this attempt's rescue is for, while it is open."""

    @property
    def nothing_to_come(self) -> bool:
        """Can the opening no longer arrive? Only then may an SMS go out by itself.

        Without a time to live it may arrive for a month, and a person decides.
        """
        if self.channel == ChannelKind.SMS or self.failed_class == FailureClass.OPTED_OUT:
            # An SMS that did not arrive is not followed by another, and who said no is not chased.
            return False
        over = self.ttl_s is not None and self.age_s >= self.ttl_s + REPORTING_LAG_S
        return self.verdict["failed"] or not self.verdict["on_the_way"] or over

    @property
    def verdict(self) -> dict[str, bool]:
        """The message's part of the question."""
        word = state_word(self.status, self.failed_class)
        return {
            "delivered": word in {"delivered", "read"},
            "failed": word == "failed",
            "on_the_way": word != "none",
        }

    def card(self, phone: PhoneNumber, at: datetime) -> dict[str, Any]:
        """What whoever calls this person back is shown of their call."""
        asked = self.asked
        return {
            "call_id": self.call_id,
            "line": {"number": self.line_number or "", "title": self.line_title},
            "caller": phone.e164,
            "at": at.isoformat(),
            "ivr_path": asked.get("ivr_path", []),
            "digits": asked.get("digits"),
            "intent": asked.get("intent"),
            "brand": asked.get("brand") or self.brand,
            "voice_wait_s": asked.get("voice_wait_s"),
            "queue_position": asked.get("queue_position"),
            "deflection_id": public("d", self.deflection_id),
            "outcome": self.outcome,
            "rescue": True,
        }
