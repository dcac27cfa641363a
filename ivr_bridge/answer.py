"""The one decision, before any dialect has put it into its own words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.ids import DeflectionId, public
from ivr_bridge.evidence import Proof
from ivr_bridge.outcome import Action, PromptKey, Reason, prompt_for
from ivr_bridge.timing import POLL_AFTER_MS
from messaging.reachability import Reach

OFFER_VALID_S = 60


@dataclass(frozen=True, slots=True)
class Answer:
    """What an IVR is told."""

    action: Action
    reason: Reason
    deflection_id: DeflectionId | None = None
    state: str = "none"
    """How far the message has come: none, sending, unknown, accepted, sent, delivered, read, failed."""
    channel: str | None = None
    reachability: Reach = Reach.UNKNOWN
    proof: Proof = Proof.NONE
    chat_wait_s: int | None = None
    variant: str = "treat"
    trace: Sequence[Mapping[str, Any]] | None = None
    before_offer: bool = False
    """Nobody has pressed a key yet, so nothing needs to be excused."""

    @property
    def prompt_key(self) -> PromptKey:
        """What the IVR may say next."""
        if self.before_offer and self.action is Action.CONTINUE:
            return PromptKey.STAY_ON_LINE
        return prompt_for(self.action, self.reason)

    def document(self, *, elapsed_ms: int, trace_id: str) -> dict[str, Any]:
        """Every member in its order; the action last, so that half an answer never reads as one."""
        polls = self.action is Action.POLL
        document: dict[str, Any] = {
            "deflection_id": None
            if self.deflection_id is None
            else public("d", self.deflection_id),
            "state": self.state,
            "reason": self.reason.value,
            "channel": self.channel,
            "reachability": self.reachability.value,
            "evidence": self.proof.value,
            "prompt_key": self.prompt_key.value,
            "chat_wait_s": self.chat_wait_s,
            "variant": self.variant,
            "valid_for_s": OFFER_VALID_S if self.action is Action.OFFER else None,
            "poll_after_ms": POLL_AFTER_MS if polls else None,
            "elapsed_ms": elapsed_ms,
        }
        if self.trace is not None:
            document["trace"] = list(self.trace)
        document["trace_id"] = trace_id
        document["action"] = self.action.value
        return document
