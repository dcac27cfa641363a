"""What changed since a moment, read once for every desk of a workspace, and each desk's part of it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from core.ids import ConversationId, PersonId, QueueId, ReservationId, public
from core.postgres import Tx
from handoff.desk import objects, reading, shown
from handoff.desk.live_sql import SQL
from handoff.desk.rows import ConversationRow, Place, QueueRow, ReservationRow
from handoff.desk.said import MediaUrl
from handoff.desk.sight import Sight


@dataclass(frozen=True, slots=True)
class Touched:
    """The name of something that changed, and the transaction that last did it."""

    kind: str
    id: UUID
    seq: int
    version: str


@dataclass(frozen=True, slots=True)
class Past:
    """Where a conversation has ever stood."""

    conversation_id: ConversationId
    queues: Sequence[QueueId]
    operators: Sequence[PersonId] | None


@dataclass(frozen=True, slots=True)
class Writing:
    """Until when somebody's sign of writing shows."""

    conversation_id: ConversationId
    until: datetime


@dataclass(frozen=True, slots=True)
class Changes:
    """The state of everything that changed; `items` gives each desk its part."""

    now: datetime
    rows: Mapping[ConversationId, ConversationRow] = field(default_factory=dict)
    viewers: Mapping[ConversationId, list[objects.Viewer]] = field(default_factory=dict)
    looked_at: Sequence[ConversationId] = ()
    messages: Sequence[tuple[ConversationId, str]] = ()
    """Ready to be sent: every desk that sees one sees the same."""
    reservations: Sequence[ReservationRow] = ()
    presence: Mapping[PersonId, objects.Presence] = field(default_factory=dict)
    places: Mapping[ConversationId, Place] = field(default_factory=dict)
    past: Mapping[ConversationId, Past] = field(default_factory=dict)
    queues: Sequence[QueueRow] = ()
    written: dict[tuple[ConversationId, bool], str] = field(default_factory=dict)
    """Conversations as JSON, masked or not, so that each is written once for all desks."""

    def items(self, sight: Sight, gone: set[ConversationId]) -> Iterator[str]:
        """What this person is to be told, as JSON; `gone` remembers what they were told to drop."""
        for queue in self.queues:
            if sight.everything or queue.queue_id in sight.queues:
                yield _item("queue", queue=shown.queue(queue))
        yield from self._conversations(sight, gone)
        for conversation_id, item in self.messages:
            if self._sees(sight, conversation_id):
                yield item
        for conversation_id in self.looked_at:
            if conversation_id not in self.rows and self._sees(sight, conversation_id):
                yield self._viewers(conversation_id)
        for row in self.reservations:
            if row.operator_id == sight.person_id:
                yield self._reservation(row, sight)
        if (presence := self.presence.get(sight.person_id)) is not None:
            yield _item("presence", presence=presence)

    def _conversations(self, sight: Sight, gone: set[ConversationId]) -> Iterator[str]:
        for conversation_id in self.rows:
            if self._sees(sight, conversation_id):
                gone.discard(conversation_id)
                yield self._conversation(conversation_id, masked=not sight.see_phone)
            elif conversation_id not in gone and self._saw(sight, conversation_id):
                gone.add(conversation_id)
                yield f'{{"kind":"conversation_gone","id":"{public("cv", conversation_id)}"}}'

    def _sees(self, sight: Sight, conversation_id: ConversationId) -> bool:
        place = self.places.get(conversation_id)
        return place is not None and sight.sees(place.queue_id, place.operator_id)

    def _saw(self, sight: Sight, conversation_id: ConversationId) -> bool:
        past = self.past.get(conversation_id)
        return past is not None and sight.saw(past.queues, past.operators or ())

    def _conversation(self, conversation_id: ConversationId, *, masked: bool) -> str:
        key = (conversation_id, masked)
        if key not in self.written:
            self.written[key] = _item(
                "conversation",
                conversation=shown.conversation(
                    self.rows[conversation_id],
                    self.viewers.get(conversation_id, ()),
                    see_phone=not masked,
                ),
            )
        return self.written[key]

    def _viewers(self, conversation_id: ConversationId) -> str:
        who = ",".join(one.model_dump_json() for one in self.viewers.get(conversation_id, ()))
        named = public("cv", conversation_id)
        return f'{{"kind":"viewers","conversation_id":"{named}","viewers":[{who}]}}'

    def _reservation(self, row: ReservationRow, sight: Sight) -> str:
        held_out = self.rows.get(row.conversation_id)
        if row.status == "pending" and held_out is not None:
            one = shown.conversation(
                held_out,
                self.viewers.get(row.conversation_id, ()),
                see_phone=sight.see_phone,
            )
            return _item("reservation", reservation=shown.reservation(row, one, self.now))
        reason = "rescinded" if row.status == "pending" else row.status
        return (
            f'{{"kind":"reservation_gone","id":"{public("rs", row.reservation_id)}",'
            f'"conversation_id":"{public("cv", row.conversation_id)}","reason":"{reason}"}}'
        )


async def touched(tx: Tx, since: str, limit: int) -> list[Touched]:
    """The names of what changed; as many as `limit` means that there may be more."""
    rows = await tx.fetch(*SQL["changed"](workspace=tx.workspace_id, since=since, limit=limit))
    return [Touched(**row) for row in rows]


async def state_of(
    tx: Tx,
    names: Iterable[Touched],
    now: datetime,
    media_url: MediaUrl,
    *,
    also_viewed: Iterable[ConversationId] = (),
    queues: Sequence[QueueRow] = (),
) -> Changes:
    """How all these things stand now."""
    by_kind: dict[str, set[Any]] = {}
    for one in names:
        entry = one.kind in {"entry", "delivery"}
        by_kind.setdefault("message" if entry else one.kind, set()).add(
            (one.id, one.seq) if entry else one.id
        )
    reservations = await _reservations(tx, by_kind.get("reservation", set()))
    # What is held out is shown whole with its reservation.
    held_out = {row.conversation_id for row in reservations if row.status == "pending"}
    conversations = by_kind.get("conversation", set()) | held_out
    looked_at = by_kind.get("viewers", set()) | set(also_viewed)
    messages = sorted(by_kind.get("message", ()))
    involved = conversations | looked_at | {conversation_id for conversation_id, _ in messages}
    rows = await reading.conversation_rows(tx, conversations)
    return Changes(
        now=now,
        rows=rows,
        viewers=await reading.viewers(tx, conversations | looked_at, now),
        looked_at=sorted(looked_at),
        messages=await _messages(tx, messages, media_url),
        reservations=reservations,
        presence=await reading.presence(tx, people) if (people := by_kind.get("presence")) else {},
        # Where they stand is read last: nobody is shown what has just left their sight.
        places=await _places(tx, involved),
        past=await _past(tx, conversations),
        queues=queues,
    )


async def _messages(
    tx: Tx, entries: Sequence[reading.Entry], media_url: MediaUrl
) -> list[tuple[ConversationId, str]]:
    found = await reading.messages(tx, entries, media_url)
    wanted = {public("cv", conversation_id): conversation_id for conversation_id, _ in entries}
    return [
        (
            wanted[one.conversation_id],
            _item("message", conversation_id=one.conversation_id, message=one),
        )
        for one in found
    ]


async def _reservations(tx: Tx, ids: Iterable[ReservationId]) -> list[ReservationRow]:
    wanted = list(ids)
    if not wanted:
        return []
    rows = await tx.fetch(*SQL["reservations"](workspace=tx.workspace_id, reservations=wanted))
    return [ReservationRow(**row) for row in rows]


async def _places(tx: Tx, ids: Iterable[ConversationId]) -> Mapping[ConversationId, Place]:
    wanted = list(ids)
    if not wanted:
        return {}
    rows = await tx.fetch(*SQL["places"](workspace=tx.workspace_id, conversations=wanted))
    return {row["conversation_id"]: Place(**row) for row in rows}


async def _past(tx: Tx, ids: Iterable[ConversationId]) -> Mapping[ConversationId, Past]:
    wanted = list(ids)
    if not wanted:
        return {}
    rows = await tx.fetch(*SQL["past_places"](workspace=tx.workspace_id, conversations=wanted))
    return {row["conversation_id"]: Past(**row) for row in rows}


async def writing(tx: Tx) -> Mapping[ConversationId, datetime]:
    """Where somebody was seen writing, and until when it shows."""
    rows = await tx.fetch(*SQL["writing"](workspace=tx.workspace_id))
    return {row["conversation_id"]: row["until"] for row in rows}


def _item(kind: str, **members: objects.Shown | str) -> str:
    written = ",".join(
        f'"{name}":{value.model_dump_json() if isinstance(value, objects.Shown) else _quoted(value)}'
        for name, value in members.items()
    )
    return f'{{"kind":"{kind}",{written}}}'


def _quoted(plain: str) -> str:
    """An id of ours: letters, digits and underscores only."""
    return f'"{plain}"'
