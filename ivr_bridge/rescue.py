"""What a stranded caller gets, exactly once a call: somebody calls them back."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from prometheus_client import Counter

from core.clock import Clock
from core.ids import (
    CallRef,
    ContactId,
    ConversationId,
    DeflectionId,
    LineId,
    MessageId,
    public,
)
from core.postgres import Tx
from core.vocabulary import PhoneNumber
from handoff.conversation.opening import close_callbacks, open_callback
from ivr_bridge import store
from ivr_bridge.outcome import Fact, Outcome, Reason, Stranded, stranded
from ivr_bridge.store import SQL, state_word
from messaging import openings
from messaging.contacts import contact_for_phone

log = structlog.get_logger()

RESCUED = Counter(
    "ivr_bridge_rescues_total", "Callers left with nothing who are called back", ["reason"]
)

CALLED, WROTE = "customer_called", "customer_wrote"

_NOT_OWED = frozenset(
    {
        Reason.CALLER_WITHHELD,
        Reason.INVALID_NUMBER,
        Reason.LINE_DISABLED,
        Reason.NO_CONSENT,
        Reason.OPTED_OUT,
    }
)
"""Nothing was promised, or nothing is wanted from us."""


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
    line_number: str | None
    asked: Mapping[str, Any]
    language: str
    phone: str | None
    caller_left: bool
    engaged: bool
    rescued: bool

    @property
    def verdict(self) -> dict[str, bool]:
        """The message's part of the question."""
        word = state_word(self.status, self.failed_class)
        return {
            "delivered": word in {"delivered", "read"},
            "failed": word == "failed",
            "on_the_way": word != "none",
        }


async def consider(
    tx: Tx,
    deflection_id: DeflectionId,
    message_id: MessageId | None,
    clock: Clock,
    *,
    last_look: bool,
) -> Stranded:
    """Rescue this caller if they were left with nothing.

    The message's row is locked before anything is read, as in every decision about it: of a failure
    that commits while the hang-up is being decided, either the decision knows or this does.
    """
    if message_id is not None:
        await openings.state(tx, message_id, lock=True)
    row = await tx.fetchrow(*SQL["stranded"](workspace=tx.workspace_id, deflection=deflection_id))
    if row is None:
        return Stranded.NO
    case = Case(**row)
    found = stranded(
        Outcome(case.outcome),
        caller_left=case.caller_left and case.reason not in _NOT_OWED,
        engaged=case.engaged,
        last_look=last_look,
        **case.verdict,
    )
    if found is Stranded.YES and not case.rescued and case.phone is not None:
        await _rescue(tx, case, PhoneNumber(case.phone), clock())
    return found


async def call_off(tx: Tx, contact_id: ContactId, reason: str) -> None:
    """The customer wrote or called: nobody is stranded, and nobody needs to call back."""
    await close_callbacks(tx, contact_id, reason)
    await tx.execute(
        *SQL["close_rescues"](workspace=tx.workspace_id, contact=contact_id, reason=reason)
    )


async def _rescue(tx: Tx, case: Case, phone: PhoneNumber, at: datetime) -> None:
    contact_id = case.contact_id
    if contact_id is None:
        contact_id = (await contact_for_phone(tx, phone)).contact_id
    reason = "opening_failed" if case.verdict["failed"] else "opening_unconfirmed"
    conversation_id = await open_callback(
        tx,
        contact_id=contact_id,
        phone=phone,
        queue=case.callback_queue,
        card=_card(case, phone, at),
        origin=case.deflection_id,
        reason=reason,
        language=case.language,
        at=at,
    )
    added = await tx.fetchval(
        *SQL["add_rescue"](
            workspace=tx.workspace_id,
            call_ref=case.call_ref,
            deflection=case.deflection_id,
            contact=contact_id,
            caller=phone.e164,
            conversation=conversation_id,
            reason=reason,
        )
    )
    if added is None:
        raise AlreadyRescued
    await store.add_fact(tx, case.deflection_id, Fact.RESCUED, at=at, detail={"reason": reason})
    RESCUED.labels(reason).inc()
    log.info("caller.rescued", deflection_id=str(case.deflection_id), reason=reason)


class AlreadyRescued(Exception):
    """Another transaction rescued this call at the same moment: undo this one."""


def _card(case: Case, phone: PhoneNumber, at: datetime) -> dict[str, Any]:
    asked = case.asked
    return {
        "call_id": case.call_id,
        "line": {"number": case.line_number or "", "title": case.line_title},
        "caller": phone.e164,
        "at": at.isoformat(),
        "ivr_path": asked.get("ivr_path", []),
        "digits": asked.get("digits"),
        "intent": asked.get("intent"),
        "voice_wait_s": asked.get("voice_wait_s"),
        "queue_position": asked.get("queue_position"),
        "deflection_id": public("d", case.deflection_id),
        "outcome": case.outcome,
        "rescue": True,
    }
