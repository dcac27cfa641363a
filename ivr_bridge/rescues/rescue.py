"""What a stranded caller gets, exactly once a call: an SMS with a link, or somebody calls them back."""

from datetime import datetime

import structlog
from prometheus_client import Counter

from core.clock import Clock
from core.ids import (
    ContactId,
    ConversationId,
    DeflectionId,
    MessageId,
)
from core.postgres import Tx
from core.vocabulary import PhoneNumber
from handoff.conversation.opening import close_callbacks, open_callback
from ivr_bridge import store
from ivr_bridge.guard.charging import charge_one, stopped
from ivr_bridge.outcome import Fact, Outcome, Reason, Stranded, stranded
from ivr_bridge.rescues import by_sms
from ivr_bridge.rescues.case import Case
from ivr_bridge.store import SQL
from ivr_bridge.terms import LineTerms
from messaging import openings
from messaging.contacts import contact_for_phone

log = structlog.get_logger()

RESCUED = Counter(
    "ivr_bridge_rescues_total", "Callers left with nothing, and what they got", ["reason", "by"]
)

ANSWERED, CALLED, WROTE = "call_answered", "customer_called", "customer_wrote"

_NOT_OWED = frozenset(
    {
        Reason.CALLER_WITHHELD,
        Reason.INVALID_NUMBER,
        Reason.LINE_DISABLED,
        Reason.NO_CONSENT,
        Reason.OPTED_OUT,
        Reason.PAUSED,
        Reason.COUNTRY_BLOCKED,
        Reason.VELOCITY,
        Reason.BUDGET,
    }
)
"""Nothing was promised, nothing is wanted from us, or what may be spent has been: a made-up end of
the call must not bring an SMS instead."""


async def consider(
    tx: Tx,
    deflection_id: DeflectionId,
    message_id: MessageId | None,
    clock: Clock,
    *,
    last_look: bool,
    public_url: str = "",
) -> Stranded:
    """Rescue this caller if they were left with nothing, and nobody who was not.

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
        engaged=case.engaged or case.spoke,
        last_look=last_look,
        **case.verdict,
    )
    if found is Stranded.YES and not case.rescued and case.phone is not None:
        await _rescue(tx, case, PhoneNumber(case.phone), clock(), public_url)
    if case.spoke and case.waits_for_us is not None:
        await call_off(tx, case.waits_for_us, ANSWERED)
    return found


async def texting_failed(tx: Tx, message_id: MessageId, at: datetime) -> None:
    """The SMS of a rescue moved: if it certainly failed, the rescue becomes a call back.

    One that may have gone out is neither repeated nor doubled.
    """
    state = await openings.state(tx, message_id, lock=True)
    if state.failure is None:
        return
    row = await tx.fetchrow(*SQL["texted"](workspace=tx.workspace_id, message=message_id))
    if row is None:
        return
    found = await tx.fetchrow(
        *SQL["stranded"](workspace=tx.workspace_id, deflection=row["deflection_id"])
    )
    case = None if found is None else Case(**found)
    if case is None or case.phone is None or case.contact_id is None:
        return
    phone = PhoneNumber(case.phone)
    conversation_id = await _call_back(tx, case, case.contact_id, phone, row["reason"], at)
    await tx.execute(
        *SQL["fall_back"](
            workspace=tx.workspace_id, message=message_id, conversation=conversation_id, at=at
        )
    )
    RESCUED.labels("sms_failed", "callback").inc()
    log.info("rescue.fell_back", deflection_id=str(case.deflection_id))


async def call_off(tx: Tx, contact_id: ContactId, reason: str) -> None:
    """The customer wrote or called: nobody is stranded, and nobody needs to call back."""
    await close_callbacks(tx, contact_id, reason)
    await tx.execute(
        *SQL["close_rescues"](workspace=tx.workspace_id, contact=contact_id, reason=reason)
    )


async def called_back(tx: Tx, conversation_id: ConversationId) -> None:
    """The call back's conversation ended, however it did."""
    await tx.execute(
        *SQL["close_rescue_of"](
            workspace=tx.workspace_id, conversation=conversation_id, reason="conversation_closed"
        )
    )


async def _rescue(tx: Tx, case: Case, phone: PhoneNumber, at: datetime, public_url: str) -> None:
    contact_id = case.contact_id
    if contact_id is None:
        contact_id = (await contact_for_phone(tx, phone)).contact_id
    reason = "opening_failed" if case.verdict["failed"] else "opening_unconfirmed"
    texted = None
    if case.nothing_to_come and public_url:
        texted = await _text(tx, case, contact_id, phone, at, public_url)
    conversation_id = (
        await _call_back(tx, case, contact_id, phone, reason, at)
        if texted is None
        else texted.conversation_id
    )
    kind = "callback" if texted is None else "sms"
    added = await tx.fetchval(
        *SQL["add_rescue"](
            workspace=tx.workspace_id,
            call_ref=case.call_ref,
            deflection=case.deflection_id,
            contact=contact_id,
            caller=phone.e164,
            kind=kind,
            conversation=conversation_id,
            reason=reason,
            message=None if texted is None else texted.message_id,
        )
    )
    if added is None:
        raise AlreadyRescued
    detail = {"reason": reason, "by": kind}
    await store.add_fact(tx, case.deflection_id, Fact.RESCUED, at=at, detail=detail)
    RESCUED.labels(reason, kind).inc()
    log.info("caller.rescued", deflection_id=str(case.deflection_id), reason=reason, by=kind)


async def _text(
    tx: Tx, case: Case, contact_id: ContactId, phone: PhoneNumber, at: datetime, public_url: str
) -> by_sms.Texted | None:
    of_line = LineTerms.kept(case.terms)
    terms, budget = of_line.rescue, of_line.budget
    if terms.by != "sms" or await stopped(tx, case.line_id, terms.channel or ""):
        return None
    # An SMS costs money as an opening does; when there is none left, a person calls instead.
    if not await charge_one(tx, case.line_id, budget):
        return None
    stranded_caller = by_sms.Stranded(
        deflection_id=case.deflection_id,
        contact_id=contact_id,
        line_id=case.line_id,
        line_title=case.line_title,
        brand=case.asked.get("brand") or case.brand,
        line_number=case.line_number,
        account=case.account,
        flow=case.flow,
        queue=case.queue,
        language=case.language,
        card=case.card(phone, at),
        at=at,
    )
    return await by_sms.text(tx, terms, stranded_caller, public_url=public_url)


async def _call_back(
    tx: Tx, case: Case, contact_id: ContactId, phone: PhoneNumber, reason: str, at: datetime
) -> ConversationId:
    return await open_callback(
        tx,
        contact_id=contact_id,
        phone=phone,
        queue=case.callback_queue,
        card=case.card(phone, at),
        origin=case.deflection_id,
        reason=reason,
        language=case.language,
        at=at,
    )


class AlreadyRescued(Exception):
    """Another transaction rescued this call at the same moment: undo this one."""
