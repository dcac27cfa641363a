"""What the customer sees of an operator: the ticks, and that somebody is writing."""

from core.ids import ConversationId, ThreadId
from core.postgres import Tx
from handoff.conversation.store import SQL
from messaging import receipts


async def show(
    tx: Tx, conversation_id: ConversationId, thread_id: ThreadId, *, seq: int, typing: bool
) -> None:
    """Ticks under everything up to this line, and a sign of writing if somebody does."""
    message_id = await tx.fetchval(
        *SQL["latest_from_customer"](
            workspace=tx.workspace_id, conversation=conversation_id, seq=seq
        )
    )
    if message_id is not None:
        await receipts.mark_read(tx, thread_id=thread_id, message_id=message_id, typing=typing)
