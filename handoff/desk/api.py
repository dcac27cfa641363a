"""The operators' addresses: lists, threads, and what is done to a conversation."""

from dataclasses import replace
from typing import Annotated

from aiohttp import web
from pydantic import Field

from core.access import Right
from core.faults import Fault, Forbidden, Invalid, NotFound, Unauthorized
from core.http import Access, Endpoint, Handler, answer
from core.ids import ConversationId, QueueId, ReservationId, parse
from handoff.conversation.conversations import TopicVerdict
from handoff.conversation.lifecycle import WrongState
from handoff.conversation.model import ConversationUnknown, NotYours, StaleEpoch
from handoff.desk import contacts, lists, objects, reading, sending
from handoff.desk.asking import (
    Desk,
    Nothing,
    NotJson,
    Sent,
    asker,
    clamped,
    path_id,
    sent,
    whole,
)
from handoff.desk.lists import View
from handoff.desk.reading import SQL
from handoff.desk.rows import ReservationRow
from handoff.desk.sight import sight_of
from handoff.routing.presence import Declared
from handoff.routing.queues import QueueUnknown
from handoff.routing.reservations import ReservationGone
from messaging.contacts import ContactUnknown
from messaging.outbox import OptedOut, WindowClosed
from messaging.templates import TemplateUnknown

_MOST_ROWS = 200
_MOST_MESSAGES = 200
_WRITING_SHOWS_S = 6.0

_Words = Annotated[str, Field(max_length=200)]
_Epoch = Annotated[int, Field(ge=1)]


class ReservationUnknown(NotFound, code="reservation_unknown"):
    """There is no such reservation, or it is not held out to you."""


class PresenceWanted(Sent):
    """What the operator says."""

    declared: Declared
    reason: _Words | None = None


class Seen(Sent):
    """Up to where."""

    seq: Annotated[int, Field(ge=0, le=2_147_483_647)]


class Closing(Sent):
    """The operator is done."""

    epoch: _Epoch
    topic: _Words | None = None
    topic_verdict: TopicVerdict | None = None


class AsSeen(Sent):
    """The conversation as the page last saw it."""

    epoch: _Epoch


class Transfer(Sent):
    """To which queue."""

    epoch: _Epoch
    queue_id: Annotated[str, Field(max_length=64)]
    reason: _Words | None = None


class Declining(Sent):
    """Why not, if the operator says so."""

    reason: _Words | None = None


async def declare(request: web.Request) -> web.Response:
    """Say whether you take work."""
    desk, who = asker(request)
    wanted = await sent(request, PresenceWanted)
    me = who.person.person_id
    await desk.operators.declare(who.workspace_id, me, wanted.declared, wanted.reason)
    async with desk.database.workspace(who.workspace_id, read_only=True) as tx:
        return answer((await reading.presence(tx, [me]))[me])


async def list_queues(request: web.Request) -> web.Response:
    """The queues you may see."""
    desk, who = asker(request)
    async with desk.database.workspace(who.workspace_id, read_only=True) as tx:
        queues = await reading.queues(tx, await sight_of(tx, who))
    return answer([queue.model_dump() for queue in queues])


async def list_conversations(request: web.Request) -> web.Response:
    """One page of a list."""
    desk, who = asker(request)
    view = _view(request)
    limit = clamped(request, "limit", default=50, most=_MOST_ROWS)
    words = (request.query.get("q") or "").replace("\0", "").strip()[:200]
    cursor = request.query.get("cursor")
    after = lists.spot_of(cursor) if cursor else None
    queue = request.query.get("queue")
    queue_id = QueueId(parse("qu", queue)) if queue else None
    async with desk.database.workspace(who.workspace_id, read_only=True) as tx:
        sight = await sight_of(tx, who)
        if queue_id is not None and queue_id not in sight.queues:
            raise QueueUnknown
        page = await lists.page(
            tx, sight, view, queue_id=queue_id, words=words or None, after=after, limit=limit
        )
        items = await reading.conversations(tx, sight, page.ids, desk.clock())
    return answer(objects.ConversationPage(items=items, next_cursor=page.next_cursor))


async def show_conversation(request: web.Request) -> web.Response:
    """One conversation."""
    return await _shown(request, ConversationId(path_id(request, "cv")))


async def list_messages(request: web.Request) -> web.Response:
    """A stretch of the transcript, oldest first."""
    desk, who = asker(request)
    conversation_id = ConversationId(path_id(request, "cv"))
    before, after = whole(request, "before_seq"), whole(request, "after_seq")
    limit = clamped(request, "limit", default=100, most=_MOST_MESSAGES)
    async with desk.database.workspace(who.workspace_id, read_only=True) as tx:
        place = await reading.place(tx, await sight_of(tx, who), conversation_id)
        # Numbers have no gaps, so the stretch is known before anything is read.
        low = 1 if after is None else after + 1
        high = place.last_seq if before is None else min(before - 1, place.last_seq)
        if after is not None and before is None:
            stretch = range(low, min(high, low + limit - 1) + 1)
            has_more = bool(stretch) and stretch[-1] < high
        else:
            stretch = range(max(low, high - limit + 1), high + 1)
            has_more = bool(stretch) and stretch[0] > low
        items = await reading.messages(
            tx, [(conversation_id, seq) for seq in stretch], desk.media_url(who.workspace_id)
        )
    return answer(objects.MessagePage(items=items, has_more=has_more))


async def mark_read(request: web.Request) -> web.Response:
    """You have read up to here; the customer sees the ticks."""
    desk, who = asker(request)
    conversation_id = await _in_sight(request)
    seen = await sent(request, Seen)
    await desk.conversations.mark_read(
        who.workspace_id, conversation_id, by=who.person.person_id, seq=seen.seq
    )
    return web.Response(status=204)


async def typing(request: web.Request) -> web.Response:
    """You are writing: the customer and your colleagues see it."""
    desk, who = asker(request)
    conversation_id = await _in_sight(request)
    await sent(request, Nothing)
    await desk.conversations.typing(who.workspace_id, conversation_id, by=who.person.person_id)
    await desk.watchers.writing(
        who.workspace_id, conversation_id, who.person.person_id, for_s=_WRITING_SHOWS_S
    )
    return web.Response(status=204)


async def close(request: web.Request) -> web.Response:
    """You are done with the customer."""
    desk, who = asker(request)
    conversation_id = await _in_sight(request)
    closing = await sent(request, Closing)
    await desk.conversations.close(
        who.workspace_id,
        conversation_id,
        by=who.person.person_id,
        epoch=closing.epoch,
        topic=closing.topic,
        topic_verdict=closing.topic_verdict,
    )
    return await _shown(request, conversation_id, just_theirs=True)


async def end_wrapup(request: web.Request) -> web.Response:
    """The case is filed."""
    desk, who = asker(request)
    conversation_id = await _in_sight(request)
    as_seen = await sent(request, AsSeen)
    await desk.conversations.end_wrapup(
        who.workspace_id, conversation_id, by=who.person.person_id, epoch=as_seen.epoch
    )
    return await _shown(request, conversation_id, just_theirs=True)


async def transfer(request: web.Request) -> web.Response:
    """Give it to a queue, its age kept."""
    desk, who = asker(request)
    conversation_id = await _in_sight(request)
    wanted = await sent(request, Transfer)
    queue_id = QueueId(parse("qu", wanted.queue_id))
    async with desk.database.workspace(who.workspace_id, read_only=True) as tx:
        if queue_id not in (await sight_of(tx, who)).queues:
            raise QueueUnknown
    await desk.conversations.transfer(
        who.workspace_id,
        conversation_id,
        by=who.person.person_id,
        epoch=wanted.epoch,
        queue_id=queue_id,
        reason=wanted.reason,
    )
    return await _shown(request, conversation_id)


async def accept(request: web.Request) -> web.Response:
    """Take what is held out to you."""
    desk, who = asker(request)
    held_out = await _held_out(request, desk)
    await sent(request, Nothing)
    accepted = await desk.conversations.accept(
        who.workspace_id, held_out.reservation_id, by=who.person.person_id
    )
    return await _shown(request, accepted.conversation_id, just_theirs=True)


async def decline(request: web.Request) -> web.Response:
    """Leave it to somebody else."""
    desk, who = asker(request)
    held_out = await _held_out(request, desk)
    declining = await sent(request, Declining)
    await desk.conversations.decline(
        who.workspace_id,
        held_out.reservation_id,
        by=who.person.person_id,
        reason=declining.reason,
    )
    return web.Response(status=204)


async def _shown(
    request: web.Request, conversation_id: ConversationId, *, just_theirs: bool = False
) -> web.Response:
    """`just_theirs`: it was in their hands a moment ago, so they may see where it went."""
    desk, who = asker(request)
    async with desk.database.workspace(who.workspace_id, read_only=True) as tx:
        sight = await sight_of(tx, who)
        if just_theirs:
            sight = replace(sight, everything=True)
        return answer(await reading.conversation(tx, sight, conversation_id, desk.clock()))


async def _in_sight(request: web.Request) -> ConversationId:
    """The conversation in the address, before anything about it is said; raises ConversationUnknown."""
    desk, who = asker(request)
    conversation_id = ConversationId(path_id(request, "cv"))
    async with desk.database.workspace(who.workspace_id, read_only=True) as tx:
        await reading.place(tx, await sight_of(tx, who), conversation_id)
    return conversation_id


async def _held_out(request: web.Request, desk: Desk) -> ReservationRow:
    """A reservation of whoever asks; raises NotFound for anybody else's."""
    _, who = asker(request)
    reservation_id = ReservationId(path_id(request, "rs"))
    async with desk.database.workspace(who.workspace_id, read_only=True) as tx:
        row = await tx.fetchrow(
            *SQL["reservation_of"](workspace=who.workspace_id, reservation=reservation_id)
        )
    if row is None or row["operator_id"] != who.person.person_id:
        raise ReservationUnknown
    return ReservationRow(**row)


def _view(request: web.Request) -> View:
    try:
        return View(request.query.get("view") or View.MINE)
    except ValueError as unknown:
        message = f"view is one of {', '.join(View)}."
        raise Invalid(message, errors=[{"path": "view", "message": message}]) from unknown


def _for_operators(
    method: str,
    path: str,
    handler: Handler,
    summary: str,
    *,
    accepts: type[Sent] | None = None,
    answers: type[objects.Shown] | None = None,
    status: int = 200,
    faults: tuple[type[Fault], ...] = (),
) -> Endpoint:
    """An address for whoever works at the desk."""
    return Endpoint(
        method=method,
        path=path,
        handler=handler,
        summary=summary,
        access=Access.PERSON,
        right=Right.DESK,
        accepts=accepts,
        answers=answers,
        status=status,
        faults=(Unauthorized, Forbidden, *faults),
    )


_CONVERSATION = "/v1/conversations/{id}"
_RESERVATION = "/v1/reservations/{id}"
_STALE = (Invalid, NotJson, ConversationUnknown, StaleEpoch, NotYours, WrongState)

ENDPOINTS = (
    _for_operators(
        "PUT",
        "/v1/operators/me/presence",
        declare,
        "Say whether you take work",
        accepts=PresenceWanted,
        answers=objects.Presence,
        faults=(Invalid, NotJson),
    ),
    _for_operators("GET", "/v1/queues", list_queues, "The queues you may see"),
    _for_operators(
        "GET",
        "/v1/conversations",
        list_conversations,
        "One page of a list",
        answers=objects.ConversationPage,
        faults=(Invalid, QueueUnknown),
    ),
    _for_operators(
        "GET",
        _CONVERSATION,
        show_conversation,
        "One conversation",
        answers=objects.Conversation,
        faults=(ConversationUnknown,),
    ),
    _for_operators(
        "GET",
        _CONVERSATION + "/messages",
        list_messages,
        "A stretch of the transcript, oldest first",
        answers=objects.MessagePage,
        faults=(Invalid, ConversationUnknown),
    ),
    _for_operators(
        "POST",
        _CONVERSATION + "/messages",
        sending.send,
        "Say something to the customer",
        accepts=sending.Draft,
        answers=objects.Message,
        status=201,
        faults=(*_STALE, WindowClosed, OptedOut, TemplateUnknown),
    ),
    _for_operators(
        "POST",
        _CONVERSATION + "/messages/{message_id}/retry",
        sending.retry,
        "Say it anew",
        accepts=sending.Again,
        answers=objects.Message,
        status=201,
        faults=(*_STALE, sending.MessageUnknown, sending.NotRetryable, WindowClosed, OptedOut),
    ),
    _for_operators(
        "POST",
        _CONVERSATION + "/read",
        mark_read,
        "You have read up to here",
        accepts=Seen,
        status=204,
        faults=(Invalid, NotJson, ConversationUnknown, NotYours),
    ),
    _for_operators(
        "POST",
        _CONVERSATION + "/typing",
        typing,
        "You are writing",
        accepts=Nothing,
        status=204,
        faults=(Invalid, ConversationUnknown, NotYours),
    ),
    _for_operators(
        "POST",
        _CONVERSATION + "/close",
        close,
        "You are done with the customer",
        accepts=Closing,
        answers=objects.Conversation,
        faults=_STALE,
    ),
    _for_operators(
        "POST",
        _CONVERSATION + "/wrapup/end",
        end_wrapup,
        "The case is filed",
        accepts=AsSeen,
        answers=objects.Conversation,
        faults=_STALE,
    ),
    _for_operators(
        "POST",
        _CONVERSATION + "/transfer",
        transfer,
        "Give it to a queue",
        accepts=Transfer,
        answers=objects.Conversation,
        faults=(*_STALE, QueueUnknown),
    ),
    _for_operators(
        "POST",
        _RESERVATION + "/accept",
        accept,
        "Take what is held out to you",
        accepts=Nothing,
        answers=objects.Conversation,
        faults=(ReservationUnknown, ReservationGone),
    ),
    _for_operators(
        "POST",
        _RESERVATION + "/decline",
        decline,
        "Leave it to somebody else",
        accepts=Declining,
        status=204,
        faults=(Invalid, ReservationUnknown, ReservationGone),
    ),
    _for_operators("GET", "/v1/templates", contacts.list_templates, "Templates that may be sent"),
    _for_operators(
        "GET",
        "/v1/contacts/{id}",
        contacts.show_contact,
        "One customer",
        answers=objects.Contact,
        faults=(ContactUnknown,),
    ),
)
