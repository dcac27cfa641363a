"""A reply put into the outbox, and what became of it."""

from core.ids import MessageId, ThreadId
from messaging import outbox
from messaging.content import Content, ContentType
from messaging.outbox import Author
from tests.messaging.conftest import House

BOT = Author("bot", name="Toyshop")
HELLO = Content(ContentType.TEXT, text="Hello!")


async def put(house: House, thread_id: ThreadId, content: Content = HELLO, **more) -> MessageId:
    async with house.database.workspace(house.workspace_id) as tx:
        return await outbox.put(tx, thread_id=thread_id, content=content, author=BOT, **more)


async def state(house: House, message_id: MessageId) -> tuple[str, str | None]:
    (row,) = await house.rows(
        "SELECT status, failed_code FROM messaging.message WHERE message_id = $1", message_id
    )
    return row["status"], row["failed_code"]
