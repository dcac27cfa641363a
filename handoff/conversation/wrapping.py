"""The time an operator has to file a case before it closes by itself."""

from core.ids import ConversationId
from core.jobs import NewJob, enqueue
from core.postgres import Tx

WRAPUP_OVER = "handoff.wrapup_over"


async def watch_wrapup(tx: Tx, conversation_id: ConversationId, delay_s: float) -> None:
    """Look again when the time is over."""
    key = str(conversation_id)
    await enqueue(
        tx,
        NewJob(WRAPUP_OVER, {"conversation_id": key}, band="urgent", key=key, delay_s=delay_s),
    )
