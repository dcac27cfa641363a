"""A small contact centre: a customer, a team, a bot, and what people do in it."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import asyncpg

from core.access import People
from core.ids import (
    AccountId,
    ContactId,
    ConversationId,
    MediaId,
    MessageId,
    PersonId,
    QueueId,
    ReservationId,
    ThreadId,
    WorkspaceId,
    new_id,
)
from core.postgres import Database
from core.sealing import Sealer
from core.vocabulary import ChannelKind, PhoneNumber
from handoff.conversation import store
from handoff.conversation.conversations import Conversations
from handoff.conversation.inbound import Inbound
from handoff.conversation.model import Conversation
from handoff.conversation.opening import Invited, invite
from handoff.jobs import handlers
from handoff.routing.operators import SOCKET_LEASE_S, Operators, enrol
from handoff.routing.presence import Declared
from handoff.routing.queues import QueueDraft, put_members, put_queue
from handoff.routing.reservations import Reservation, pending_of
from handoff.triage.flows import publish
from handoff.triage.reading import parse
from messaging import contacts, threads
from messaging.accounts import AccountDraft, put_account
from messaging.content import Content, ContentType
from messaging.inbox import Received
from tests.handoff.timeline import Published, Timeline

FLOW = """
flow: support
languages: [en]
limits: {idle_close: 2h}
start: hello
nodes:
  hello: {say: t.hello, next: menu}
  menu:
    menu: t.pick
    options:
      - {id: hours, text: t.o_hours, to: hours}
      - {id: person, text: t.o_person, to: urgent}
  hours: {answer: t.hours, helped: done, not_helped: handoff}
  done: {end: solved, say: t.bye}
  urgent: {handoff: {priority: 2, tags: [from_ivr]}}
  handoff: {handoff: {}}
texts:
  en:
    hello: Hello!
    pick: What can we do for you?
    o_hours: Opening hours
    o_person: Talk to us
    hours: We are open from nine to five.
    bye: Goodbye!
"""


@dataclass
class House:
    """Everything a test of this room needs, with a customer called Anna."""

    database: Database
    workspace_id: WorkspaceId
    clock: Any
    published: Published
    owner: asyncpg.Connection
    account_id: AccountId
    queue_id: QueueId
    contact_id: ContactId
    thread_id: ThreadId
    operators: Operators
    conversations: Conversations
    handlers: dict[str, Any]
    sockets: dict[PersonId, UUID] = field(default_factory=dict)
    timeline: Timeline = field(init=False)

    def __post_init__(self) -> None:
        self.timeline = Timeline(self.owner, self)

    async def customer(self, number: str) -> ThreadId:
        """Another customer."""
        async with self.database.workspace(self.workspace_id) as tx:
            ref = await contacts.contact_for_phone(tx, PhoneNumber(number))
            return await threads.thread_for(tx, ref.contact_id, self.account_id)

    async def invited(self, thread_id: ThreadId | None = None, **changed: Any) -> Invited:
        """A call led to an opening."""
        thread_id = thread_id or self.thread_id
        async with self.database.workspace(self.workspace_id) as tx:
            thread = await threads.thread(tx, thread_id)
            values: dict[str, Any] = {
                "thread_id": thread_id,
                "contact_id": thread.contact_id,
                "account_id": self.account_id,
                "opening_message_id": await self.opening(thread_id),
                "card": {"call_id": "call-1", "line": {"title": "Support"}, "digits": "1"},
                "origin": new_id(),
                "flow": "support",
                "queue": "support",
                "language": "en",
                "at": self.clock(),
            }
            return await invite(tx, **{**values, **changed})

    async def opening(self, thread_id: ThreadId) -> MessageId:
        """An opening that is on the wire."""
        message_id = MessageId(new_id())
        await self.owner.execute(
            "INSERT INTO messaging.message (workspace_id, message_id, thread_id, account_id, direction,"
            " author_kind, purpose, type, text, content, status, provider_id)"
            " VALUES ($1, $2, $3, $4, 'out', 'business', 'message', 'template', 'Hello', '{}',"
            " 'sent', $5)",
            self.workspace_id,
            message_id,
            thread_id,
            self.account_id,
            f"wamid.{message_id}",
        )
        return message_id

    async def wrote(
        self,
        text: str | None = None,
        *,
        thread_id: ThreadId | None = None,
        content: Content | None = None,
    ) -> MessageId:
        """The customer wrote, and the inbox's transaction committed."""
        thread_id = thread_id or self.thread_id
        said = content or Content(ContentType.TEXT, text=text)
        message_id = MessageId(new_id())
        async with self.database.workspace(self.workspace_id) as tx:
            thread = await threads.thread(tx, thread_id)
            await self.owner.execute(
                "INSERT INTO messaging.message (workspace_id, message_id, thread_id, account_id,"
                " direction, author_kind, purpose, type, text, content, status, provider_id)"
                " VALUES ($1, $2, $3, $4, 'in', 'customer', 'message', $5, $6, '{}', 'received', $7)",
                self.workspace_id,
                message_id,
                thread_id,
                self.account_id,
                said.type.value,
                said.text,
                f"wamid.{message_id}",
            )
            await threads.note_inbound(tx, thread_id, at=self.clock(), window_s=86400)
            inbound = Inbound(self.published.events, self.clock)
            media_id: MediaId | None = None
            await inbound(
                tx,
                Received(
                    thread_id=thread_id,
                    contact_id=thread.contact_id,
                    account_id=self.account_id,
                    message_id=message_id,
                    content=said,
                    at=self.clock(),
                    language="en",
                    media_id=media_id,
                ),
            )
        return message_id

    async def tapped(self, choice: str, thread_id: ThreadId | None = None) -> MessageId:
        """The customer tapped a button."""
        said = Content(ContentType.CHOICE, text="A button", choice=choice)
        return await self.wrote(content=said, thread_id=thread_id)

    async def queued(self, thread_id: ThreadId | None = None) -> Conversation:
        """A customer who asked the bot for a person."""
        await self.wrote("operator", thread_id=thread_id)
        await self.timeline.advance(2)
        return await self.latest(thread_id)

    async def latest(self, thread_id: ThreadId | None = None) -> Conversation:
        """The thread's open conversation, or its last one."""
        async with self.database.workspace(self.workspace_id) as tx:
            found = await store.latest_in_thread(tx, thread_id or self.thread_id)
        assert found is not None
        return found

    async def conversation(self, conversation_id: ConversationId) -> Conversation:
        async with self.database.workspace(self.workspace_id) as tx:
            return await store.get(tx, conversation_id)

    async def operator(self, name: str = "olga", *, capacity: int = 5) -> PersonId:
        """Someone of the team, whose desk is not open yet."""
        async with self.database.workspace(self.workspace_id) as tx:
            person_id = await People().put(
                tx, email=f"{name}@example.org", name=name.title(), roles=["operator"]
            )
            await enrol(tx, person_id, at=self.clock(), capacity=capacity)
        members = await self.owner.fetch(
            "SELECT operator_id FROM handoff.queue_member WHERE queue_id = $1", self.queue_id
        )
        async with self.database.workspace(self.workspace_id) as tx:
            await put_members(
                tx, self.queue_id, [*(row["operator_id"] for row in members), person_id]
            )
        return person_id

    async def at_work(self, name: str = "olga", *, capacity: int = 5) -> PersonId:
        """Someone of the team who takes work."""
        person_id = await self.operator(name, capacity=capacity)
        await self.comes(person_id)
        return person_id

    async def comes(self, person_id: PersonId) -> None:
        """They open their desk and say that they are there."""
        socket_id = new_id()
        self.sockets[person_id] = socket_id
        await self.operators.connected(self.workspace_id, person_id, socket_id)
        await self.operators.declare(self.workspace_id, person_id, Declared.ONLINE)

    async def beat(self) -> None:
        """Their desks are there as long as the test says so, however much time a busy machine takes."""
        await self.owner.execute(
            "UPDATE handoff.operator_socket"
            " SET expires_at = clock_timestamp() + make_interval(secs => $2)"
            " WHERE socket_id = ANY ($1)",
            list(self.sockets.values()),
            SOCKET_LEASE_S,
        )

    async def killed(self) -> None:
        """The web process died: nobody beats for its desks any more, which had all been quiet lately."""
        self.sockets.clear()
        await self.owner.execute(
            "UPDATE handoff.operator_socket SET expires_at = clock_timestamp() - interval '1 second'"
        )

    async def goes(self, person_id: PersonId) -> None:
        """Their last desk goes."""
        await self.operators.disconnected(self.workspace_id, self.sockets.pop(person_id))

    async def offered(self, person_id: PersonId) -> list[Reservation]:
        """What is held out to them."""
        async with self.database.workspace(self.workspace_id) as tx:
            return await pending_of(tx, person_id)

    async def accepts(self, person_id: PersonId) -> Conversation:
        """They take the first thing that is held out to them."""
        await self.timeline.settle()
        (held_out, *_) = await self.offered(person_id)
        return await self.conversations.accept(
            self.workspace_id, ReservationId(held_out.reservation_id), by=person_id
        )

    async def answers(self, held: Conversation, text: str = "Hello, I am here") -> Conversation:
        """The operator writes."""
        assert held.operator_id is not None
        await self.conversations.send(
            self.workspace_id,
            held.conversation_id,
            by=held.operator_id,
            by_name="Olga",
            epoch=held.epoch,
            client_key=str(new_id()),
            content=Content(ContentType.TEXT, text=text),
        )
        return await self.conversation(held.conversation_id)

    async def load(self, person_id: PersonId) -> int:
        found = await self.owner.fetchval(
            "SELECT load FROM handoff.operator_state WHERE operator_id = $1", person_id
        )
        return int(found)

    async def transcript(self, conversation_id: ConversationId) -> list[tuple[str, str]]:
        """Author and words, or `event` and its code."""
        rows = await self.owner.fetch(
            "SELECT e.author, m.text, e.event FROM handoff.entry AS e"
            " LEFT JOIN messaging.message AS m USING (workspace_id, message_id)"
            " WHERE e.conversation_id = $1 ORDER BY e.seq",
            conversation_id,
        )
        return [
            ("event", row["event"]["code"]) if row["event"] else (row["author"], row["text"] or "")
            for row in rows
        ]

    async def moves(self, conversation_id: ConversationId) -> list[str]:
        rows = await self.owner.fetch(
            "SELECT move FROM handoff.transition WHERE conversation_id = $1 ORDER BY transition_id",
            conversation_id,
        )
        return [row["move"] for row in rows]


async def make_house(
    database: Database, workspace_id: WorkspaceId, clock: Any, owner: asyncpg.Connection
) -> House:
    async with database.workspace(workspace_id) as tx:
        account_id = await put_account(
            tx,
            Sealer("a secret key of the tests, long enough"),
            AccountDraft(
                "whatsapp", ChannelKind.WHATSAPP, "http://127.0.0.1:1", "1", {}, {"t": "t"}
            ),
        )
        queue_id = await put_queue(tx, QueueDraft("support", "Support"))
        ref = await contacts.contact_for_phone(tx, PhoneNumber("+79161234567"))
        thread_id = await threads.thread_for(tx, ref.contact_id, account_id)
        await publish(tx, parse(FLOW), at=clock())
    published = Published()
    bands = handlers(database, published.events, clock)
    return House(
        database=database,
        workspace_id=workspace_id,
        clock=clock,
        published=published,
        owner=owner,
        account_id=account_id,
        queue_id=queue_id,
        contact_id=ref.contact_id,
        thread_id=thread_id,
        operators=Operators(database, clock),
        conversations=Conversations(database, published.events, clock),
        handlers={kind: handler for band in bands.values() for kind, handler in band.items()},
    )
