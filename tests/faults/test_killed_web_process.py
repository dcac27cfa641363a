"""kill -9 of the web process at each step of the race: no second message, no false hang-up.

The process is stopped from outside only: by locks on the tables that its next step needs, and by a
provider that holds its reply. So what is killed is exactly what runs in production.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import asyncpg
import pytest

from tests.product import LINE, NUMBERS, Product

CALLER = NUMBERS["reachable"]
EVIDENCE = {"sent", "delivered", "read"}


@dataclass(slots=True)
class Scene:
    """What a step needs to hold the process still."""

    product: Product
    owner: asyncpg.Connection
    locked: Any = None

    async def behave(self, behaviour: str, **more: Any) -> None:
        await self.product.sandbox.behave(CALLER, behaviour, **more)

    async def lock(self, table: str) -> None:
        """Nobody writes to this table until the lock is let go."""
        self.locked = self.owner.transaction()
        await self.locked.start()
        await self.owner.execute(f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE")

    async def unlock(self) -> None:
        if self.locked is not None:
            await self.locked.rollback()
            self.locked = None

    async def blocked(self) -> None:
        """Until the web process waits for the lock."""
        async with asyncio.timeout(10):
            while not await self.owner.fetchval(  # noqa: ASYNC110 - the database tells nobody
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                " AND wait_event_type = 'Lock' AND application_name LIKE 'ivr-bridge%'"
            ):
                await asyncio.sleep(0.01)

    async def on_the_wire(self) -> None:
        found = await self.product.sandbox.wire(CALLER, kind="opening", wait_ms=10_000)
        assert found

    async def status(self, wanted: str) -> None:
        await self.product.until("SELECT 1 FROM messaging.message WHERE status = $1", wanted)


async def before_the_insert(scene: Scene) -> None:
    await scene.lock("ivr_bridge.deflection")
    await anyhow(scene)
    await scene.blocked()


async def while_the_provider_is_asked(scene: Scene) -> None:
    await scene.behave("held")
    await anyhow(scene)
    await scene.on_the_wire()


async def before_the_reply_is_recorded(scene: Scene) -> None:
    await scene.behave("held")
    await anyhow(scene)
    await scene.on_the_wire()
    await scene.lock("messaging.message")
    await scene.product.sandbox.release()
    await scene.blocked()


async def while_waiting_for_evidence(scene: Scene) -> None:
    await scene.behave("manual")
    await anyhow(scene)
    await scene.status("accepted")


async def before_the_decision_commits(scene: Scene) -> None:
    await scene.behave("manual")
    await anyhow(scene)
    await scene.status("accepted")
    await scene.lock("ivr_bridge.deflection")
    await scene.product.sandbox.status("sent", to=CALLER)
    await scene.blocked()


async def after_the_decision_commits(scene: Scene) -> None:
    await scene.behave("reachable", sent_ms=20, delivered_ms=60)
    await anyhow(scene)
    await scene.product.until("SELECT 1 FROM ivr_bridge.deflection WHERE outcome = 'hangup'")


REQUESTS: set["asyncio.Task[Any]"] = set()
CALL_IDS: list[str] = []


async def anyhow(scene: Scene) -> None:
    """Ask, without waiting for the answer."""
    call_id = secrets.token_hex(8)
    CALL_IDS.append(call_id)
    request = asyncio.ensure_future(asked(scene.product, call_id))
    REQUESTS.add(request)


async def asked(product: Product, call_id: str) -> dict[str, Any]:
    """What the IVR hears; a broken connection means: continue."""
    body = {"call_id": call_id, "caller": CALLER, "line": LINE, "attempt": 1, "deadline_ms": 6000}
    try:
        async with product.post("/v1/deflections", body) as response:
            answer: dict[str, Any] = await response.json(content_type=None)
            return answer
    except aiohttp.ClientError:
        return {"action": "continue", "reason": "broken"}


@asynccontextmanager
async def staged(product: Product) -> AsyncIterator[Scene]:
    owner = await asyncpg.connect(product.database_url)
    try:
        yield Scene(product, owner)
    finally:
        await owner.close()


@pytest.mark.parametrize(
    "step",
    [
        before_the_insert,
        while_the_provider_is_asked,
        before_the_reply_is_recorded,
        while_waiting_for_evidence,
        before_the_decision_commits,
        after_the_decision_commits,
    ],
    ids=lambda step: step.__name__,
)
async def test_a_killed_web_process_sends_nothing_twice_and_hangs_up_on_nobody(
    product: Product, step: Callable[[Scene], Awaitable[None]]
):
    REQUESTS.clear()
    CALL_IDS.clear()
    async with staged(product) as scene:
        await step(scene)
        product.web.kill()
        await scene.unlock()
        first = await REQUESTS.pop()
        await product.sandbox.release()
        product.web.start()
        await product.ready()
        again = await asked(product, CALL_IDS[0])
        once_more = await asked(product, CALL_IDS[0])

    assert await product.sandbox.openings(CALLER) <= 1
    for answer in (first, again, once_more):
        if answer["action"] == "hangup":
            [message] = await product.rows(
                "SELECT status FROM messaging.message WHERE purpose = 'opening'"
            )
            assert message["status"] in EVIDENCE
    # Whatever was decided is decided for good.
    assert again["action"] == once_more["action"]
    rows = await product.rows("SELECT outcome FROM ivr_bridge.deflection WHERE attempt = 1")
    assert [row["outcome"] for row in rows] == [again["action"]]


async def test_a_web_process_killed_at_any_moment_keeps_its_promises(product: Product):
    """Twelve calls, each killed at another moment of its first second."""
    await product.sandbox.behave(CALLER, "reachable", accepted_ms=80, sent_ms=200, delivered_ms=400)
    for number in range(12):
        REQUESTS.clear()
        call_id = f"killed-{number}"
        caller = f"+7916555{number:04d}"
        await product.sandbox.behave(
            caller, "reachable", accepted_ms=80, sent_ms=200, delivered_ms=400
        )
        body = {"call_id": call_id, "caller": caller, "line": LINE, "attempt": 1}
        request = asyncio.ensure_future(broken_or(product, body))
        await asyncio.sleep(number * 0.09)
        product.web.kill()
        first = await request
        product.web.start()
        await product.ready()
        again = await broken_or(product, body)
        assert await product.sandbox.openings(caller) <= 1
        if "hangup" in {first["action"], again["action"]}:
            assert again["action"] == "hangup"
            [message] = await product.rows(
                "SELECT m.status FROM messaging.message m JOIN ivr_bridge.deflection d USING (workspace_id, message_id)"
                " JOIN ivr_bridge.call c USING (workspace_id, call_ref) WHERE c.call_id = $1",
                call_id,
            )
            assert message["status"] in EVIDENCE


async def broken_or(product: Product, body: dict[str, Any]) -> dict[str, Any]:
    try:
        async with product.post("/v1/deflections", body) as response:
            answer: dict[str, Any] = await response.json(content_type=None)
            return answer
    except aiohttp.ClientError:
        return {"action": "continue", "reason": "broken"}
