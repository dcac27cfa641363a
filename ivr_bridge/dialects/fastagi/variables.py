"""A decision as channel variables. IVRB_ACTION comes last: until then it says `continue`."""

from collections.abc import Iterable

from core.ids import public
from ivr_bridge.answer import OFFER_VALID_S, Answer
from ivr_bridge.outcome import Action, PromptKey
from ivr_bridge.timing import POLL_AFTER_MS

ACTION = "IVRB_ACTION"
REASON = "IVRB_REASON"
PROMPT = "IVRB_PROMPT"
TRACE_ID = "IVRB_TRACE_ID"


def variables(answer: Answer) -> Iterable[tuple[str, str]]:
    """Everything but the action; what has no value is set to the empty text, so that none is stale."""
    deflection_id = answer.deflection_id
    yield REASON, answer.reason.value
    yield "IVRB_DEFLECTION_ID", "" if deflection_id is None else public("d", deflection_id)
    yield "IVRB_STATE", answer.state
    yield "IVRB_CHANNEL", answer.channel or ""
    yield "IVRB_REACHABILITY", answer.reachability.value
    yield "IVRB_EVIDENCE", answer.proof.value
    yield PROMPT, answer.prompt_key.value
    yield "IVRB_CHAT_WAIT", "" if answer.chat_wait_s is None else str(answer.chat_wait_s)
    yield "IVRB_VARIANT", answer.variant
    yield "IVRB_VALID_FOR", str(OFFER_VALID_S) if answer.action is Action.OFFER else ""
    yield "IVRB_POLL_AFTER_MS", str(POLL_AFTER_MS) if answer.action is Action.POLL else ""


def refused(code: str, *, pressed: bool) -> Iterable[tuple[str, str]]:
    """A fault: why, and what is owed to a caller who has pressed 1 or has not."""
    yield REASON, code
    yield PROMPT, (PromptKey.NOT_POSSIBLE if pressed else PromptKey.STAY_ON_LINE).value
