"""The first frames a desk hears: the whole picture, or the news since it was last there."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from core.postgres import Tx
from handoff.desk import changes, lists, objects, reading, shown
from handoff.desk.cursor import Moment, moment
from handoff.desk.lists import View
from handoff.desk.live_sql import SQL
from handoff.desk.objects import rfc3339
from handoff.desk.said import MediaUrl
from handoff.desk.subscriber import Subscriber

RESUMABLE_ROWS = 2000
"""News longer than this are told as a snapshot."""

_WAITING_SHOWN = 300
"""So much of what waits stands in a snapshot; lists page through the rest."""


@dataclass(frozen=True, slots=True)
class Welcome:
    """Frames to send first, and the moment from which the feed goes on."""

    frames: Sequence[str]
    moment: Moment


async def welcome(
    tx: Tx, desk: Subscriber, cursor: str | None, now: datetime, media_url: MediaUrl
) -> Welcome:
    """What a desk needs so that it holds what the database holds."""
    at = await moment(tx)
    since = at.since(cursor, desk.sight) if cursor is not None else None
    if since is not None and cursor is not None:
        touched = await changes.touched(tx, since, RESUMABLE_ROWS + 1)
        if len(touched) <= RESUMABLE_ROWS:
            resumed = await _resumed(tx, desk, cursor, touched, at, now, media_url)
            return Welcome(resumed, at)
    return Welcome([await _snapshot(tx, desk, at, now)], at)


def changes_frame(cursor: str, items: Sequence[str]) -> str:
    """Items to apply, and the cursor to keep once they are."""
    return f'{{"type":"changes","cursor":"{cursor}","items":[{",".join(items)}]}}'


async def _resumed(
    tx: Tx,
    desk: Subscriber,
    cursor: str,
    touched: Sequence[changes.Touched],
    at: Moment,
    now: datetime,
    media_url: MediaUrl,
) -> list[str]:
    news = await changes.state_of(
        tx,
        touched,
        now,
        media_url,
        # A sign of writing wears off without any row changing.
        also_viewed=await changes.writing(tx),
        queues=await reading.queue_rows(tx),
    )
    desk.gone.clear()
    return [
        # Its cursor stays the one it came with until it has applied what follows.
        await _opening(tx, desk, cursor, now, resumed=True),
        changes_frame(at.cursor(desk.sight), list(news.items(desk.sight, desk.gone))),
    ]


async def _snapshot(tx: Tx, desk: Subscriber, at: Moment, now: datetime) -> str:
    sight = desk.sight
    desk.gone.clear()
    held = await tx.fetch(*SQL["held"](workspace=tx.workspace_id, person=sight.person_id))
    waiting = await lists.page(
        tx, sight, View.WAITING, queue_id=None, words=None, after=None, limit=_WAITING_SHOWN
    )
    ids = list(dict.fromkeys([*(row["conversation_id"] for row in held), *waiting.ids]))
    conversations = await reading.conversations(tx, sight, ids, now)
    reservations = await reading.reservations(
        tx, sight, await reading.pending(tx, sight.person_id), now
    )
    queues = [
        shown.queue(row)
        for row in await reading.queue_rows(tx)
        if sight.everything or row.queue_id in sight.queues
    ]
    return await _opening(
        tx,
        desk,
        at.cursor(sight),
        now,
        resumed=False,
        conversations=conversations,
        reservations=reservations,
        queues=queues,
    )


async def _opening(
    tx: Tx,
    desk: Subscriber,
    cursor: str,
    now: datetime,
    *,
    resumed: bool,
    **lists_: Sequence[objects.Shown],
) -> str:
    presence = (await reading.presence(tx, [desk.person_id]))[desk.person_id]
    frame = {
        "type": "welcome",
        "cursor": cursor,
        "resumed": resumed,
        "server_now": rfc3339(now),
        "presence": presence.model_dump(mode="json"),
        **{name: [one.model_dump(mode="json") for one in many] for name, many in lists_.items()},
    }
    return json.dumps(frame, ensure_ascii=False, separators=(",", ":"))
