"""What the customer sees of an operator: the ticks, and that somebody is writing."""

from core.ids import ConversationId
from core.jobs import NewJob, enqueue
from core.postgres import Tx
from handoff.conversation.store import SQL

MARK_READ = "messaging.mark_read"


async def show(tx: Tx, conversation_id: ConversationId, *, seq: int, typing: bool) -> None:
    """Ticks under everything up to this line, and a sign of writing if somebody does."""
    message_id = await tx.fetchval(
        *SQL["latest_from_customer"](
            workspace=tx.workspace_id, conversation=conversation_id, seq=seq
        )
    )
    if message_id is None:
        return
    await enqueue(
        tx,
        NewJob(
            MARK_READ,
            {"message_id": str(message_id), "typing": typing},
            band="send",
            key=f"{message_id}:{'typing' if typing else 'read'}",
        ),
    )
