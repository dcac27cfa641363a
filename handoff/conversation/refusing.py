"""A customer who wants no more of this: remembered on the channel they said it on."""

from core.postgres import Tx
from core.vocabulary import ChannelKind
from handoff.conversation.model import Conversation
from handoff.conversation.store import SQL
from messaging import contacts


async def opt_out(tx: Tx, conversation: Conversation, reason: str) -> None:
    """From now on nothing is sent to this person there."""
    channel = await tx.fetchval(
        *SQL["channel_of_account"](workspace=tx.workspace_id, account=conversation.account_id)
    )
    if channel is not None:
        await contacts.opt_out(tx, conversation.contact_id, ChannelKind(channel), reason)
