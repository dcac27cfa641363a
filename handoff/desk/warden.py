"""Keeps open desks honest: whoever signed out is let go, whose rights changed gets a new picture."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from core.access import Person, Right
from core.ids import PersonId, QueueId
from core.postgres import Tx
from handoff.desk.live_sql import SQL
from handoff.desk.sight import Sight
from handoff.desk.subscriber import Ending, Subscriber


@dataclass(frozen=True, slots=True)
class Standing:
    """A session that still counts, and what its person may do."""

    session_id: UUID
    person_id: PersonId
    email: str
    name: str
    roles: Sequence[str]
    rights: Sequence[str]
    queues: Sequence[QueueId]

    @property
    def may(self) -> frozenset[Right]:
        """Everything this person is allowed now."""
        return Person(self.person_id, self.email, self.name, self.roles, self.rights).may


async def look_after(tx: Tx, desks: Collection[Subscriber]) -> None:
    """Compare what these desks were opened with and what holds now."""
    sessions = list({desk.session_id for desk in desks})
    rows = await tx.fetch(*SQL["standing"](workspace=tx.workspace_id, sessions=sessions))
    standing = {row["session_id"]: Standing(**row) for row in rows}
    every_queue = frozenset(
        row["queue_id"] for row in await tx.fetch(*SQL["every_queue"](workspace=tx.workspace_id))
    )
    for desk in desks:
        now = standing.get(desk.session_id)
        if now is None or Right.DESK not in now.may:
            desk.let_go(Ending.SIGNED_OUT)
            continue
        everything = Right.ALL_QUEUES in now.may
        sight = Sight(
            workspace_id=desk.sight.workspace_id,
            person_id=desk.person_id,
            queues=every_queue if everything else frozenset(now.queues),
            everything=everything,
            see_phone=Right.SEE_PHONE in now.may,
        )
        if sight != desk.sight:
            desk.outdate(sight)
