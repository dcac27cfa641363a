"""What the desk reads: queues, lists, threads."""

from dataclasses import replace

from aiohttp import web

from core.faults import Invalid
from core.http import answer
from core.ids import ConversationId, QueueId, parse
from handoff.desk import lists, objects, reading, transcript
from handoff.desk.asking import asker, clamped, path_id, whole
from handoff.desk.lists import View
from handoff.desk.sight import sight_of
from handoff.routing.queues import QueueUnknown

MOST_ROWS = 200
MOST_MESSAGES = 200


async def list_queues(request: web.Request) -> web.Response:
    """The queues you may see."""
    desk, who = asker(request)
    async with desk.database.workspace(who.workspace_id, read_only=True) as tx:
        queues = await reading.queues(tx, await sight_of(tx, who))
    return answer(objects.Queues(queues))


async def list_conversations(request: web.Request) -> web.Response:
    """One page of a list."""
    desk, who = asker(request)
    view = _view(request)
    limit = clamped(request, "limit", default=50, most=MOST_ROWS)
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
    return await tell(request, ConversationId(path_id(request, "cv")))


async def list_messages(request: web.Request) -> web.Response:
    """A stretch of the transcript, oldest first."""
    desk, who = asker(request)
    conversation_id = ConversationId(path_id(request, "cv"))
    before, after = whole(request, "before_seq"), whole(request, "after_seq")
    limit = clamped(request, "limit", default=100, most=MOST_MESSAGES)
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
    return answer(transcript.MessagePage(items=items, has_more=has_more))


async def tell(
    request: web.Request, conversation_id: ConversationId, *, just_theirs: bool = False
) -> web.Response:
    """A conversation as the answer. `just_theirs`: it was in their hands a moment ago, so they may see where it went."""
    desk, who = asker(request)
    async with desk.database.workspace(who.workspace_id, read_only=True) as tx:
        sight = await sight_of(tx, who)
        if just_theirs:
            sight = replace(sight, everything=True)
        return answer(await reading.conversation(tx, sight, conversation_id, desk.clock()))


def _view(request: web.Request) -> View:
    try:
        return View(request.query.get("view") or View.MINE)
    except ValueError as unknown:
        message = f"view is one of {', '.join(View)}."
        raise Invalid(message, errors=[{"path": "view", "message": message}]) from unknown
