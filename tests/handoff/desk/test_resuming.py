"""A desk that comes and goes ends with exactly what the database holds, whatever happened meanwhile."""

import asyncio
import contextlib
import hashlib
import json
import random
from typing import Any

import pytest

from core.faults import Refused
from core.ids import new_id, public
from core.wake import Wake
from handoff.conversation.lifecycle import State
from handoff.conversation.model import CUSTOMER, Kind
from handoff.conversation.opening import Birth, begin
from handoff.routing.queues import QueueDraft, put_members, put_queue
from handoff.routing.reservations import pending_of
from messaging import threads

STEPS = 120


class Client:
    """A desk's model of the world, kept the way the page keeps it."""

    def __init__(self, house: Any, browser: Any, chance: random.Random) -> None:
        self.house = house
        self.browser = browser
        self.chance = chance
        self.cursor: str | None = None
        self.conversations: dict[str, Any] = {}
        self.transcripts: dict[str, dict[int, Any]] = {}
        self.reservations: dict[str, Any] = {}
        self.queues: dict[str, Any] = {}
        self.presence: Any = None
        self.socket: Any = None
        self.reader: asyncio.Task[None] | None = None
        self.welcomes: list[bool] = []
        self.changed = asyncio.Event()

    async def connect(self) -> None:
        self.socket = await self.browser.hello(self.cursor)
        self.reader = asyncio.create_task(self._read(self.socket))

    async def drop(self) -> None:
        """Gone without a goodbye, in the middle of whatever was being sent."""
        if self.reader is None:
            return
        self.reader.cancel()
        await asyncio.gather(self.reader, return_exceptions=True)
        self.socket._response.connection.transport.abort()
        self.reader = None

    async def _read(self, socket: Any) -> None:
        async for message in socket:
            frame = json.loads(message.data)
            if frame["type"] == "welcome":
                self._welcome(frame)
            elif frame["type"] == "changes":
                for item in frame["items"]:
                    self._apply(item)
                self.cursor = frame["cursor"]
            self.changed.set()

    def _welcome(self, frame: Any) -> None:
        self.welcomes.append(frame["resumed"])
        self.cursor = frame["cursor"]
        self.presence = frame["presence"]
        if not frame["resumed"]:
            self.transcripts = {}
            self.conversations = {one["id"]: one for one in frame["conversations"]}
            self.reservations = {one["id"]: one for one in frame["reservations"]}
            self.queues = {one["id"]: one for one in frame["queues"]}

    def _apply(self, item: Any) -> None:
        getattr(self, f"_{item['kind']}")(item)

    def _conversation(self, item: Any) -> None:
        self.conversations[item["conversation"]["id"]] = item["conversation"]

    def _conversation_gone(self, item: Any) -> None:
        self.conversations.pop(item["id"], None)
        self.transcripts.pop(item["id"], None)

    def _message(self, item: Any) -> None:
        thread = self.transcripts.get(item["conversation_id"])
        if thread is not None:
            thread[item["message"]["seq"]] = item["message"]

    def _reservation(self, item: Any) -> None:
        self.reservations[item["reservation"]["id"]] = item["reservation"]

    def _reservation_gone(self, item: Any) -> None:
        self.reservations.pop(item["id"], None)

    def _queue(self, item: Any) -> None:
        self.queues[item["queue"]["id"]] = item["queue"]

    def _presence(self, item: Any) -> None:
        self.presence = item["presence"]

    def _viewers(self, item: Any) -> None:
        held = self.conversations.get(item["conversation_id"])
        if held is not None:
            held["viewers"] = item["viewers"]

    async def open_thread(self) -> None:
        """Somebody looks into a conversation: its transcript is read once, and kept live from then."""
        unread = [one for one in self.conversations if one not in self.transcripts]
        if unread:
            one = self.chance.choice(unread)
            self.transcripts[one] = {}
            status, told = await self.browser.ask(
                "GET", f"/v1/conversations/{one}/messages?limit=200"
            )
            if status == 404:  # taken out of sight meanwhile; that it goes is seen at the end
                self.transcripts.pop(one, None)
                return
            assert status == 200, told
            thread = self.transcripts.get(one)
            if thread is not None:
                for message in told["items"]:
                    thread.setdefault(message["seq"], message)

    async def difference(self) -> str | None:
        """What of the model differs from the database, if anything does."""
        return (
            await self._lists_differ() or await self._threads_differ() or await self._rest_differs()
        )

    async def _lists_differ(self) -> str | None:
        for one, held in sorted(self.conversations.items()):
            status, real = await self.browser.ask("GET", f"/v1/conversations/{one}")
            if status != 200 or real != held:
                return f"{one}: {status} {real} is held as {held}"
        for view in ("mine", "waiting"):
            for real in (await self.browser.get(f"/v1/conversations?view={view}"))["items"]:
                if real["id"] not in self.conversations:
                    return f"{view} lacks {real['id']}"
        return None

    async def _threads_differ(self) -> str | None:
        for one, thread in sorted(self.transcripts.items()):
            told = (await self.browser.get(f"/v1/conversations/{one}/messages?limit=200"))["items"]
            if [message["seq"] for message in told] != list(range(1, len(told) + 1)):
                return f"{one} has gaps"
            if digest(told) != digest([thread[seq] for seq in sorted(thread)]):
                return f"{one}: {told} is held as {thread}"
        return None

    async def _rest_differs(self) -> str | None:
        async with self.house.database.workspace(self.house.workspace_id) as tx:
            pending = await pending_of(tx, self.browser.person_id)
        if {public("rs", one.reservation_id) for one in pending} != set(self.reservations):
            return f"{pending} are held as {self.reservations}"
        if list(self.queues.values()) != await self.browser.get("/v1/queues"):
            return "queues"
        me = await self.browser.get("/v1/session")
        if me["presence"] != self.presence:
            return f"presence {me['presence']} is held as {self.presence}"
        return None


def digest(messages: list[Any]) -> str:
    return hashlib.sha256(json.dumps(messages, sort_keys=True).encode()).hexdigest()


class World:
    """Customers, two operators and a second team, doing things at random."""

    def __init__(self, desk: Any, chance: random.Random, people: list[Any], far_queue: Any) -> None:
        self.desk = desk
        self.house = desk.house
        self.chance = chance
        self.people = people
        self.far_queue = far_queue
        self.threads: list[Any] = []
        self.slow: Any = None

    async def step(self) -> None:
        acts = [
            self.customer_writes,
            self.customer_writes,
            self.customer_comes,
            self.time_passes,
            self.somebody_accepts,
            self.somebody_accepts,
            self.somebody_declines,
            self.somebody_answers,
            self.somebody_answers,
            self.somebody_types,
            self.somebody_closes,
            self.somebody_transfers,
            self.status_comes,
            self.status_comes,
            self.slow_writer,
        ]
        await self.chance.choice(acts)()

    async def customer_comes(self) -> None:
        if len(self.threads) >= 8:
            return
        thread_id = await self.house.customer(f"+7916{self.chance.randrange(10**6, 10**7)}")
        self.threads.append(thread_id)
        await self.house.wrote("operator", thread_id=thread_id)

    async def customer_writes(self) -> None:
        if self.threads:
            thread_id = self.chance.choice(self.threads)
            await self.house.wrote(f"word {self.chance.random()}", thread_id=thread_id)

    async def time_passes(self) -> None:
        await self.house.timeline.advance(self.chance.choice([0, 2, 2, 5, 40]))

    async def somebody_accepts(self) -> None:
        who = self.chance.choice(self.people)
        for held_out in await self.house.offered(who.person_id):
            await who.ask(
                "POST", f"/v1/reservations/{public('rs', held_out.reservation_id)}/accept"
            )

    async def somebody_declines(self) -> None:
        who = self.chance.choice(self.people)
        for held_out in await self.house.offered(who.person_id):
            await who.ask(
                "POST", f"/v1/reservations/{public('rs', held_out.reservation_id)}/decline"
            )

    async def _act(self, path: str, body: Any) -> None:
        who = self.chance.choice(self.people)
        mine = (await who.get("/v1/conversations?view=mine"))["items"]
        if mine:
            one = self.chance.choice(mine)
            asked = {"epoch": one["epoch"], **body} if body is not None else None
            await who.ask("POST", f"/v1/conversations/{one['id']}/{path}", asked)

    async def somebody_answers(self) -> None:
        words = {"client_id": str(new_id()), "text": f"answer {self.chance.random()}"}
        await self._act("messages", words)

    async def somebody_types(self) -> None:
        await self._act("typing", None)

    async def somebody_closes(self) -> None:
        await self._act(self.chance.choice(["close", "wrapup/end"]), {})

    async def somebody_transfers(self) -> None:
        """To a team that the client under test does not belong to, past its own rights."""
        rows = await self.house.owner.fetch(
            "SELECT conversation_id, epoch, operator_id FROM handoff.conversation"
            " WHERE state IN ('active', 'waiting_customer')"
        )
        if rows:
            row = self.chance.choice(rows)
            target = self.chance.choice([self.far_queue, self.house.queue_id])
            with contextlib.suppress(Refused):
                await self.house.conversations.transfer(
                    self.house.workspace_id,
                    row["conversation_id"],
                    by=row["operator_id"],
                    epoch=row["epoch"],
                    queue_id=target,
                )

    async def status_comes(self) -> None:
        """A provider's report, whose hint is lost."""
        await self.house.owner.execute(
            "UPDATE messaging.message SET status = 'delivered', provider_id = $1, failed_at = NULL,"
            " changed_xid = pg_current_xact_id() WHERE message_id = (SELECT message_id"
            " FROM messaging.message WHERE status = 'queued' ORDER BY random() LIMIT 1)",
            str(new_id()),
        )

    async def slow_writer(self) -> None:
        """A transaction that began before others and commits after them."""
        if self.slow is not None:
            return
        thread_id = await self.house.customer(f"+7495{self.chance.randrange(10**6, 10**7)}")
        async with self.house.database.workspace(self.house.workspace_id) as tx:
            thread = await threads.thread(tx, thread_id)
        self.slow = self.house.database.workspace(self.house.workspace_id)
        tx = await self.slow.__aenter__()
        await begin(
            tx,
            Birth(
                kind=Kind.CHAT,
                state=State.QUEUED,
                contact_id=thread.contact_id,
                thread_id=thread_id,
                account_id=thread.account_id,
                queue="support",
                language="en",
                by=CUSTOMER,
                reason="wrote",
                at=self.house.clock(),
            ),
        )

    async def commit_slow(self) -> None:
        if self.slow is not None:
            await self.slow.__aexit__(None, None, None)
            self.slow = None


@pytest.mark.parametrize("seed", range(6))
async def test_a_desk_that_comes_and_goes_holds_what_the_database_holds(house, serve, wake, seed):
    # Every third time no hint ever comes: sweeping alone must do.
    async with serve(Wake() if seed % 3 == 0 else wake) as desk:
        await story(desk, seed)


async def story(desk: Any, seed: int) -> None:
    chance = random.Random(seed)
    olga = await desk.signed_in("olga")
    boris = await desk.signed_in("boris", roles=("lead",))
    async with desk.house.database.workspace(desk.house.workspace_id) as tx:
        far = await put_queue(tx, QueueDraft("far", "Far away"))
        await put_members(tx, far, [boris.person_id])
    client = Client(desk.house, olga, chance)
    await client.connect()
    other = await boris.hello()
    await olga.ask("PUT", "/v1/operators/me/presence", {"declared": "online"})
    await boris.ask("PUT", "/v1/operators/me/presence", {"declared": "online"})
    world = World(desk, chance, [olga, boris], far)
    for number in range(STEPS):
        await world.step()
        if number % 6 == 5:
            await world.commit_slow()
        if chance.random() < 0.12:
            await client.drop() if client.reader else await client.connect()
        elif chance.random() < 0.2 and client.conversations:
            looked_at = chance.choice([None, *client.conversations])
            await other.send_json({"type": "viewing", "conversation_id": looked_at})
        elif chance.random() < 0.3 and client.reader:
            await client.open_thread()
        else:
            await asyncio.sleep(0)
    await world.commit_slow()
    await client.drop()
    await client.connect()
    difference: str | None = "nothing was compared"
    try:
        async with asyncio.timeout(15):
            while difference is not None:
                client.changed.clear()
                difference = await client.difference()
                if difference is not None:
                    with_patience = asyncio.wait_for(client.changed.wait(), 1)
                    await asyncio.gather(with_patience, return_exceptions=True)
    except TimeoutError:
        pytest.fail(f"seed {seed}: {difference}")
    assert True in client.welcomes, "nothing was ever resumed"
    await client.drop()
    await other.close()
