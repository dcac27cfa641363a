"""Who looks at which conversation, and who writes there: kept with the desk's socket, gone with it."""

from datetime import timedelta
from uuid import UUID

from core.clock import Clock
from core.ids import ConversationId, PersonId, WorkspaceId
from core.postgres import Database
from handoff.conversation.model import ConversationUnknown
from handoff.desk import reading
from handoff.desk.reading import SQL
from handoff.desk.sight import Sight


class Watchers:
    """Tells colleagues who else is there."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def look(
        self, sight: Sight, socket_id: UUID, conversation_id: ConversationId | None
    ) -> None:
        """This desk now shows this conversation; one that its person may not see counts as none."""
        async with self._database.workspace(sight.workspace_id) as tx:
            if conversation_id is not None:
                try:
                    await reading.place(tx, sight, conversation_id)
                except ConversationUnknown:
                    conversation_id = None
            turned = await tx.fetchval(
                *SQL["look_at"](
                    workspace=tx.workspace_id, socket=socket_id, conversation=conversation_id
                )
            )
            if turned is not None:
                tx.wake(f"desk:{tx.workspace_id}")

    async def writing(
        self,
        workspace_id: WorkspaceId,
        conversation_id: ConversationId,
        person_id: PersonId,
        *,
        for_s: float,
    ) -> None:
        """This person writes there; the sign wears off by itself."""
        async with self._database.workspace(workspace_id) as tx:
            await tx.execute(
                *SQL["note_typing"](
                    workspace=workspace_id,
                    conversation=conversation_id,
                    person=person_id,
                    until=self._clock() + timedelta(seconds=for_s),
                )
            )
            tx.wake(f"desk:{workspace_id}")
