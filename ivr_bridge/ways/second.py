"""A second channel within one race: only after the first one's committed, definite failure.

What may follow is written down with the attempt, so that whoever waits for it, the request itself or
an IVR that polls elsewhere, can let it follow. It follows once, never after `unknown`, and only while
its own evidence can still come in time.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import structlog

from core.ids import DeflectionId
from core.postgres import Tx
from core.queries import load
from core.vocabulary import PhoneNumber
from core.wake import Signal
from handoff.conversation.opening import Invitation, invite_to
from ivr_bridge import opening, store
from ivr_bridge.evidence import Confirm
from ivr_bridge.opening import Wish
from ivr_bridge.race import Race, of_row
from ivr_bridge.readiness import Ready
from ivr_bridge.timing import ANSWER_EARLY_MS, needed_ms
from ivr_bridge.ways.choosing import confirm_of, follows
from messaging import openings, threads
from messaging.openings import Opening, OpeningDraft
from messaging.reachability import Reach
from messaging.written import content_from_json, content_to_json

log = structlog.get_logger()
SQL = load(Path(__file__).with_name("second.sql"))


@dataclass(frozen=True, slots=True)
class Owed:
    """What a statement says about an attempt that may go on elsewhere."""

    fallback: Mapping[str, Any]
    channel: str
    phone: str
    flow: str
    queue: str
    title: str
    left_ms: float
    card: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Second:
    """The second opening, committed as `sending`: ours to put on the wire, once."""

    race: Race
    ready: Ready
    opening: Opening


def planned(
    wish: Wish, choices: Sequence[Ready], chosen: Ready, deflection_id: DeflectionId
) -> dict[str, Any] | None:
    """What may follow this channel, as the attempt keeps it."""
    next_one = follows(choices, chosen)
    if next_one is None or not opening.fits(wish, next_one):
        return None
    content = opening.content(wish, next_one, deflection_id, free_words=False)
    return {
        "account": next_one.account.name,
        "queue": wish.line.queue,
        "line": str(wish.line.line_id),
        "budget": wish.line.terms.budget.model_dump(mode="json"),
        "confirm": confirm_of(wish, next_one).value,
        "language": wish.language,
        "content": content_to_json(content),
    }


async def keep_in_mind(
    tx: Tx, deflection_id: DeflectionId, fallback: Mapping[str, Any] | None
) -> None:
    """Write down with the attempt what may follow it."""
    if fallback is not None:
        await tx.execute(
            *SQL["keep_in_mind"](
                workspace=tx.workspace_id, deflection=deflection_id, fallback=dict(fallback)
            )
        )


async def begin_second(tx: Tx, race: Race, ready: Ready, now: datetime) -> Second | None:
    """Write the second opening down as `sending`; None when nothing may follow any more.

    The first message is held: its failure is committed before the second can leave.
    """
    state = await openings.state(tx, race.message_id, lock=True)
    named = {"workspace": tx.workspace_id, "deflection": race.deflection_id}
    row = await tx.fetchrow(*SQL["owed"](message=race.message_id, **named))
    if row is None or state.failure is None:
        return None
    owed = Owed(**row)
    phone, confirm = PhoneNumber(owed.phone), Confirm(owed.fallback["confirm"])
    prospect = await openings.look_up(tx, phone, ready.account, now)
    positive = prospect.evidence.fresh
    takes_ms = needed_ms(ready.pace, confirm, positive=positive, grace_ms=race.grace_ms)
    in_time = owed.left_ms + ANSWER_EARLY_MS >= takes_ms
    unwelcome = prospect.opted_out or prospect.evidence.state is Reach.UNREACHABLE
    if unwelcome or prospect.account_stopped is not None or not in_time:
        return None
    prepared = await openings.prepare(
        tx,
        OpeningDraft(
            phone=phone,
            account=ready.account,
            content=content_from_json(owed.fallback["content"]),
            language=owed.fallback["language"],
            author_name=owed.title,
        ),
    )
    if ready.windowless:
        await threads.without_window(tx, prepared.thread_id)
    invited = await invite_to(
        tx,
        Invitation(
            account_id=ready.account.id,
            opening_message_id=prepared.message_id,
            card=owed.card or {},
            origin=race.deflection_id,
            flow=owed.flow,
            queue=owed.queue,
            language=owed.fallback["language"],
            at=now,
        ),
        contact_id=prepared.contact_id,
        thread_id=prepared.thread_id,
    )
    await tx.execute(
        *SQL["follow"](
            second=prepared.message_id,
            channel=ready.account.kind.value,
            account=ready.account.id,
            confirm=confirm.value,
            positive=positive,
            reachability=prospect.evidence.state.value,
            conversation=invited.conversation_id,
            **named,
        )
    )
    after = await store.get(tx, race.deflection_id)
    assert after is not None, "it was held a moment ago"  # noqa: S101
    second = of_row(tx.workspace_id, after, prepared.message_id, Signal(), race.answer_by)
    second.by, second.can_poll = race.by, race.can_poll
    # Whoever waits for the first message is to look where the attempt rests now.
    tx.wake(f"message:{race.message_id}")
    log.info(
        "deflection.fell_back",
        deflection_id=str(race.deflection_id),
        first=owed.channel,
        second=ready.account.kind.value,
        code=state.failure.code,
    )
    return Second(second, ready, prepared)
