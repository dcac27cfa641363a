"""The desk's lists, page by page: a cursor names the last row seen, so nothing is skipped or doubled."""

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from uuid import UUID

from core.faults import Invalid
from core.ids import ConversationId, QueueId
from core.postgres import Tx
from core.queries import load
from core.vocabulary import phone_number
from handoff.desk.sight import Sight

SQL = load(Path(__file__).with_name("lists.sql"))

SEARCHED = 1000
"""A search looks through so many conversations at a time; its cursor goes on from there."""

_BEFORE_ALL = UUID(int=0)


class View(StrEnum):
    """Which list."""

    MINE = "mine"
    WAITING = "waiting"
    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Spot:
    """A row of a list: what it is ordered by, and which it is."""

    conversation_id: ConversationId
    at: datetime

    @property
    def cursor(self) -> str:
        """The page that begins after this row."""
        written = json.dumps([self.at.isoformat(), self.conversation_id.hex]).encode()
        return base64.urlsafe_b64encode(written).rstrip(b"=").decode()


@dataclass(frozen=True, slots=True)
class Page:
    """The rows of one page, and where the next one begins."""

    ids: Sequence[ConversationId]
    next_cursor: str | None


def spot_of(cursor: str) -> Spot:
    """The row behind a cursor; raises Invalid when no page of ours ended with it."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        at, conversation_id = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        moment = datetime.fromisoformat(at)
        if moment.tzinfo is None:
            raise ValueError("a moment without its zone")
        return Spot(ConversationId(UUID(hex=conversation_id)), moment)
    except (ValueError, TypeError, AttributeError, binascii.Error, RecursionError) as broken:
        message = "This is no cursor of a list; begin without one."
        raise Invalid(message, errors=[{"path": "cursor", "message": message}]) from broken


async def page(
    tx: Tx,
    sight: Sight,
    view: View,
    *,
    queue_id: QueueId | None,
    words: str | None,
    after: Spot | None,
    limit: int,
) -> Page:
    """One page of a list as this person may see it."""
    scanned = SEARCHED if words else limit
    spots = await _spots(tx, sight, view, queue_id=queue_id, after=after, limit=scanned + 1)
    more = len(spots) > scanned
    spots = spots[:scanned]
    if not words:
        return Page([spot.conversation_id for spot in spots], spots[-1].cursor if more else None)
    found = await _matching(tx, [spot.conversation_id for spot in spots], words)
    matches = [spot for spot in spots if spot.conversation_id in found]
    if len(matches) > limit:
        return Page([spot.conversation_id for spot in matches[:limit]], matches[limit - 1].cursor)
    return Page([spot.conversation_id for spot in matches], spots[-1].cursor if more else None)


async def _spots(
    tx: Tx, sight: Sight, view: View, *, queue_id: QueueId | None, after: Spot | None, limit: int
) -> list[Spot]:
    queues = [queue for queue in sight.queues if queue_id is None or queue == queue_id]
    values = {
        "workspace": tx.workspace_id,
        "after_at": None if after is None else after.at,
        "after": _BEFORE_ALL if after is None else after.conversation_id,
        "limit": limit,
    }
    match view:
        case View.MINE:
            statement = SQL["mine"](person=sight.person_id, queue=queue_id, **values)
        case View.OPEN:
            statement = SQL["open"](queues=queues, person=sight.person_id, queue=queue_id, **values)
        case _:
            statement = SQL[view.value](queues=queues, **values)
    return [Spot(**row) for row in await tx.fetch(*statement)]


async def _matching(tx: Tx, ids: Sequence[ConversationId], words: str) -> frozenset[ConversationId]:
    rows = await tx.fetch(
        *SQL["matching"](
            workspace=tx.workspace_id,
            conversations=list(ids),
            pattern=f"%{_literally(words)}%",
            numbers=_numbers(words),
        )
    )
    return frozenset(row["conversation_id"] for row in rows)


def _literally(words: str) -> str:
    """No wildcard but our own."""
    return words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _numbers(words: str) -> list[str]:
    """The number that was typed, as addresses are written; only a whole one finds anybody."""
    number = phone_number(words)
    return [] if number is None else [number.e164, number.digits]
