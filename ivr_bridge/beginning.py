"""The first transaction of a deflection: who calls, may we, and the opening written down as `sending`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from core.ids import CallRef, ConversationId, DeflectionId, MessageId, new_id
from core.postgres import Tx
from core.vocabulary import is_landline
from handoff.conversation.opening import Invitation, invite_to
from ivr_bridge import calls, opening, store
from ivr_bridge.answer import Answer
from ivr_bridge.calls import Known
from ivr_bridge.evidence import Proof
from ivr_bridge.opening import Wish
from ivr_bridge.outcome import Action, Outcome, Reason
from ivr_bridge.policy import HARD, Agreement, Circumstances, Ruling, agreement, rule
from ivr_bridge.readiness import Ready
from ivr_bridge.reading import clean
from ivr_bridge.rescues.rescue import CALLED, call_off
from ivr_bridge.store import Attempt, NewAttempt
from ivr_bridge.timing import POLL_GRACE_MS, POLL_TOTAL_MS, Budget, needed_ms
from ivr_bridge.ways.choosing import confirm_of, limits_there, look_up
from ivr_bridge.ways.second import keep_in_mind
from ivr_bridge.ways.second import planned as planned_second
from messaging import openings, threads
from messaging.openings import Opening, OpeningDraft, Prospect


@dataclass(frozen=True, slots=True)
class Begun:
    """Where an attempt stands after its first transaction."""

    deflection_id: DeflectionId
    answer: Answer | None = None
    """Already known: the rules refused."""
    repeated: bool = False
    """The attempt was begun by an earlier request; its answer is read, not made."""
    attempt: NewAttempt | None = None
    opening: Opening | None = None
    """Ours to put on the wire, once."""
    ready: Ready | None = None
    """The channel that it goes out on."""


@dataclass(frozen=True, slots=True)
class Setting:
    """Everything that was read before the attempt is written."""

    wish: Wish
    ready: Ready | None
    met: Known
    call_ref: CallRef
    prospect: Prospect
    earlier: Sequence[Attempt]
    admitted: bool
    """The account has room for one more message now."""
    budget: Budget
    now: datetime
    choices: Sequence[Ready] = ()
    """Every channel of the line for this caller, in order."""


async def begin(
    tx: Tx,
    wish: Wish,
    choices: Sequence[Ready],
    *,
    admitted: bool,
    budget: Budget,
    now: datetime,
) -> Begun:
    """Find the attempt that this request means, or begin it; raises IdempotencyConflict."""
    account = choices[0].account if choices else None
    call_ref, met = await calls.meet(tx, wish, account)
    earlier: list[Attempt] = []
    if call_ref is not None and met.rescued_contact is not None:
        await call_off(tx, met.rescued_contact, CALLED)
    if call_ref is None:
        call_ref = await calls.hold(tx, wish)
        earlier = await store.attempts(tx, call_ref)
    number = store.which_attempt(wish.request.attempt, earlier)
    same = next((each for each in earlier if each.attempt == number), None)
    if same is not None:
        return Begun(same.deflection_id, repeated=True)
    ready, prospect = await look_up(tx, wish, choices, now, chatting=met.conversation_open)
    met = met_there(met, ready, choices)
    setting = Setting(wish, ready, met, call_ref, prospect, earlier, admitted, budget, now, choices)
    return await _write(tx, setting, number)


def met_there(met: Known, ready: Ready | None, choices: Sequence[Ready]) -> Known:
    """What is known of the caller on the channel that was chosen: an open chat is the first one's."""
    if ready is None or ready.account is choices[0].account:
        return met
    return replace(met, conversation_open=False)


def circumstances(
    wish: Wish, ready: Ready | None, met: Known, prospect: Prospect, budget: Budget, *, asked: bool
) -> Circumstances:
    """What the rules look at; `asked` when the caller has accepted an offer already.

    Before the offer, `budget` is what a deflection would have that is asked for in the same words.
    """
    request, line = wish.request, wish.line
    given = None if request.consent is None else request.consent.given
    told = agreement(given=given, explicit_required=line.consent.require_explicit)
    return Circumstances(
        enabled=line.enabled,
        withheld=wish.caller.withheld,
        number_valid=wish.caller.target is not None,
        landline=None if wish.caller.target is None else is_landline(wish.caller.target),
        agreement=told if asked else Agreement.NOT_ASKED,
        channel_wanted=None
        if not request.channels or ready is None
        else ready.account.kind.value in {channel.lower() for channel in request.channels},
        opted_out=prospect.opted_out,
        account_up=ready is not None and prospect.account_stopped is None and not ready.silent,
        template_ok=None if ready is None else opening.fits(wish, ready),
        reach=prospect.evidence.state,
        conversation_open=met.conversation_open,
        called_again=met.called_again,
        prompt_version=None
        if request.consent is None or request.consent.prompt_version is None
        else clean(request.consent.prompt_version),
        unwanted=met.unwanted if line.unwanted_listed else None,
        openings_ago_s=met.openings_ago_s,
        limits=limits_there(wish, ready),
        time_left_ms=None if ready is None else _total_ms(wish, budget) - budget.elapsed_ms,
        time_needed_ms=None
        if ready is None
        else needed_ms(
            ready.pace,
            confirm_of(wish, ready),
            positive=prospect.evidence.fresh,
            grace_ms=_grace_ms(wish),
        ),
        declined=None
        if not (met.offered_now or met.declined_now or met.declined_before)
        else met.declined_now or met.declined_before,
    )


async def _write(tx: Tx, setting: Setting, number: int) -> Begun:
    """The attempt itself: refused by the rules, resting on an earlier opening, or with its own."""
    wish, ready = setting.wish, setting.ready
    seen = circumstances(wish, ready, setting.met, setting.prospect, setting.budget, asked=True)
    ruling = rule(HARD, seen, wish.line.terms.policy)
    on_the_wire = next((each for each in setting.earlier if each.message_id is not None), None)
    if on_the_wire is not None:
        # Never a second opening for one call, whatever became of the first.
        attempt = _attempt(setting, number, ruling, answers_for=on_the_wire.message_id)
        await store.add(tx, attempt)
        return Begun(attempt.deflection_id, attempt=attempt)
    refused = ruling.refused or not_now(setting)
    if refused is not None or ready is None:
        reason = refused or Reason.CHANNEL_DOWN
        attempt = _attempt(setting, number, ruling, refused=reason)
        await store.add(tx, attempt)
        return Begun(attempt.deflection_id, answer=_refusal(attempt, reason), attempt=attempt)
    return await _open(tx, setting, ready, number, ruling)


async def _open(tx: Tx, setting: Setting, ready: Ready, number: int, ruling: Ruling) -> Begun:
    """Write the opening as `sending`, put the conversation behind it, and the attempt before it."""
    planned = plan(setting, ready, number, ruling)
    prepared = await openings.prepare(tx, planned.draft)
    if ready.windowless:
        await threads.without_window(tx, prepared.thread_id)
    invited = await invite_to(
        tx, planned.invitation, contact_id=prepared.contact_id, thread_id=prepared.thread_id
    )
    attempt = replace(
        planned.attempt,
        contact_id=prepared.contact_id,
        conversation_id=invited.conversation_id,
        resumed=setting.met.conversation_open,
    )
    await store.add(tx, attempt)
    await keep_in_mind(tx, attempt.deflection_id, attempt.fallback)
    return Begun(attempt.deflection_id, attempt=attempt, opening=prepared, ready=ready)


@dataclass(frozen=True, slots=True)
class Planned:
    """An opening and everything around it, before any of it is written."""

    draft: OpeningDraft
    invitation: Invitation
    attempt: NewAttempt


def plan(
    setting: Setting,
    ready: Ready,
    number: int,
    ruling: Ruling,
    *,
    chat_id: ConversationId | None = None,
) -> Planned:
    """What is to be written when the rules let this caller pass; `chat_id` where a chat is to be born."""
    wish = setting.wish
    target = wish.caller.target
    assert target is not None, "the rules saw it"  # noqa: S101
    deflection_id = DeflectionId(new_id())
    free_words = setting.met.conversation_open and _window_open(setting)
    draft = OpeningDraft(
        phone=target,
        account=ready.account,
        content=opening.content(wish, ready, deflection_id, free_words=free_words),
        language=wish.language,
        author_name=wish.line.title,
        watch=wish.line.followed,
    )
    invitation = Invitation(
        account_id=ready.account.id,
        opening_message_id=draft.message_id,
        card=opening.card(
            wish, deflection_id, setting.now, earlier_calls=setting.met.earlier_calls
        ),
        origin=deflection_id,
        flow=wish.line.flow,
        queue=wish.line.queue,
        language=wish.language,
        at=setting.now,
    )
    attempt = _attempt(
        setting,
        number,
        ruling,
        deflection_id=deflection_id,
        message_id=draft.message_id,
        conversation_id=chat_id,
        ttl_s=opening.ttl_s(wish, ready, free_words=free_words),
        fallback=planned_second(wish, setting.choices, ready, deflection_id),
    )
    return Planned(draft, invitation, attempt)


def _attempt(
    setting: Setting,
    number: int,
    ruling: Ruling,
    *,
    deflection_id: DeflectionId | None = None,
    refused: Reason | None = None,
    answers_for: MessageId | None = None,
    message_id: MessageId | None = None,
    conversation_id: ConversationId | None = None,
    ttl_s: int | None = None,
    fallback: Mapping[str, Any] | None = None,
) -> NewAttempt:
    wish, ready, evidence = setting.wish, setting.ready, setting.prospect.evidence
    confirm = confirm_of(wish, ready)
    polls = _polls(wish)
    left_s = max(0.0, setting.budget.left_s())
    return NewAttempt(
        deflection_id=deflection_id or DeflectionId(new_id()),
        call_ref=setting.call_ref,
        line_id=wish.line.line_id,
        attempt=number,
        pending_s=POLL_TOTAL_MS / 1000 if polls else left_s,
        confirm=confirm,
        grace_ms=_grace_ms(wish),
        positive=evidence.fresh,
        can_poll=polls,
        reach=evidence.state,
        channel=None if ready is None else ready.account.kind.value,
        account_id=None if ready is None else ready.account.id,
        contact_id=setting.prospect.contact_id,
        message_id=message_id,
        answers_for=answers_for,
        conversation_id=conversation_id,
        resumed=False,
        chat_wait_s=None if ready is None else ready.chat_wait_s,
        rescue_after_s=wish.line.rescue_after_s
        or (ttl_s or opening.WORTH_S[confirm]) + opening.REPORTING_LAG_S,
        ttl_s=ttl_s,
        consent=opening.consent(wish),
        asked=opening.asked(wish),
        trace=ruling.trace if refused is None else [*ruling.trace, *_afterwards(ruling, refused)],
        outcome=Outcome.PENDING if refused is None else Outcome.CONTINUE,
        reason=refused,
        evidence_source=evidence.source,
        evidence_at=evidence.at,
        began_ms=max(0, setting.budget.elapsed_ms),
        crossed_over=setting.met.held_out,
        fallback=fallback,
    )


def _afterwards(ruling: Ruling, refused: Reason) -> Sequence[dict[str, str]]:
    """What refused after every rule had let the caller pass, as the trace shows it."""
    return () if ruling.refused is not None else ({"rule": refused.value, "saw": "refused"},)


def not_now(setting: Setting) -> Reason | None:
    """What the account has no room for is not sent."""
    return None if setting.admitted else Reason.CHANNEL_THROTTLED


def _refusal(attempt: NewAttempt, reason: Reason) -> Answer:
    return Answer(
        Action.CONTINUE,
        reason,
        deflection_id=attempt.deflection_id,
        channel=attempt.channel,
        reachability=attempt.reach,
        proof=_refusal_proof(reason),
        chat_wait_s=attempt.chat_wait_s,
    )


def _refusal_proof(reason: Reason) -> Proof:
    return Proof.HISTORY if reason is Reason.NOT_ON_CHANNEL else Proof.NONE


def _polls(wish: Wish) -> bool:
    return wish.request.can_poll and wish.line.can_poll


def _total_ms(wish: Wish, budget: Budget) -> int:
    """An IVR that can loop waits longer in all than for one answer."""
    return POLL_TOTAL_MS if _polls(wish) else budget.deadline_ms


def _grace_ms(wish: Wish) -> int:
    """An IVR that can loop has time for the quiet that a direct answer cannot afford."""
    return max(wish.line.grace_ms, POLL_GRACE_MS) if _polls(wish) else wish.line.grace_ms


def _window_open(setting: Setting) -> bool:
    until = setting.prospect.window_until
    return until is not None and until > setting.now
