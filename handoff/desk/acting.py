"""What operators do: with themselves, with what is held out to them, with what they hold."""

from typing import Annotated

from aiohttp import web
from pydantic import Field

from core.faults import NotFound
from core.http import answer
from core.ids import ConversationId, QueueId, ReservationId, parse
from handoff.conversation.conversations import TopicVerdict
from handoff.desk import reading
from handoff.desk.asking import Desk, Epoch, Nothing, Sent, asker, path_id, sent
from handoff.desk.reading import SQL
from handoff.desk.rows import ReservationRow
from handoff.desk.showing import tell
from handoff.desk.sight import sight_of
from handoff.routing.presence import Declared
from handoff.routing.queues import QueueUnknown

_WRITING_SHOWS_S = 6.0

_Words = Annotated[str, Field(max_length=200)]


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

    epoch: Epoch
    topic: _Words | None = None
    topic_verdict: TopicVerdict | None = None


class CalledBack(Sent):
    """How calling the customer went."""

    epoch: Epoch
    answered: bool


class AsSeen(Sent):
    """The conversation as the page last saw it."""

    epoch: Epoch


class Transfer(Sent):
    """To which queue."""

    epoch: Epoch
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
    return await tell(request, conversation_id, just_theirs=True)


async def called(request: web.Request) -> web.Response:
    """You called the customer back: they answered, or nobody did."""
    desk, who = asker(request)
    conversation_id = await _in_sight(request)
    told = await sent(request, CalledBack)
    await desk.conversations.called(
        who.workspace_id,
        conversation_id,
        by=who.person.person_id,
        epoch=told.epoch,
        answered=told.answered,
    )
    return await tell(request, conversation_id, just_theirs=True)


async def end_wrapup(request: web.Request) -> web.Response:
    """The case is filed."""
    desk, who = asker(request)
    conversation_id = await _in_sight(request)
    as_seen = await sent(request, AsSeen)
    await desk.conversations.end_wrapup(
        who.workspace_id, conversation_id, by=who.person.person_id, epoch=as_seen.epoch
    )
    return await tell(request, conversation_id, just_theirs=True)


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
    return await tell(request, conversation_id)


async def accept(request: web.Request) -> web.Response:
    """Take what is held out to you."""
    desk, who = asker(request)
    held_out = await _held_out(request, desk)
    await sent(request, Nothing)
    accepted = await desk.conversations.accept(
        who.workspace_id, held_out.reservation_id, by=who.person.person_id
    )
    return await tell(request, accepted.conversation_id, just_theirs=True)


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
