"""What one person may see: the conversations of their queues and those in their own hands."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from core.access import Right, SignedIn
from core.ids import PersonId, QueueId, WorkspaceId
from core.postgres import Tx
from handoff.routing.queues import queue_ids_of


@dataclass(frozen=True, slots=True)
class Sight:
    """One person's view of one workspace."""

    workspace_id: WorkspaceId
    person_id: PersonId
    queues: frozenset[QueueId]
    everything: bool
    see_phone: bool

    def sees(self, queue_id: QueueId, operator_id: PersonId | None) -> bool:
        """May this person know of a conversation that stands so?"""
        return self.everything or queue_id in self.queues or operator_id == self.person_id

    def saw(self, queues: Iterable[QueueId], operators: Iterable[PersonId]) -> bool:
        """Could they have known of one that has stood in these places?"""
        return self.everything or self.person_id in operators or not self.queues.isdisjoint(queues)

    @property
    def mark(self) -> str:
        """Differs whenever what may be seen differs, so that a cursor taken under other rights is
        not resumed.
        """
        parts = [
            str(self.workspace_id),
            str(self.person_id),
            str(self.everything),
            str(self.see_phone),
            *sorted(str(queue) for queue in self.queues),
        ]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


async def sight_of(tx: Tx, signed_in: SignedIn) -> Sight:
    """What this person may see now."""
    may = signed_in.person.may
    everything = Right.ALL_QUEUES in may
    queues = await queue_ids_of(tx, signed_in.person.person_id, everything=everything)
    return Sight(
        workspace_id=signed_in.workspace_id,
        person_id=signed_in.person.person_id,
        queues=frozenset(queues),
        everything=everything,
        see_phone=Right.SEE_PHONE in may,
    )
