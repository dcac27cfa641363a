"""kill -9 of the web process at each step of the race: no second message, no false hang-up.

The process is stopped from outside only: by locks on the tables that its next step needs, and by a
provider that holds its reply. So what is killed is exactly what runs in production.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import asyncpg
import pytest

from tests.journeys.house import new_phone
from tests.product import LINE, Product

EVIDENCE = {"sent", "delivered", "read"}


@dataclass(slots=True)
class Call:
    """A caller who pressed 1, and what their IVR hears."""

    product: Product
    caller: str
    deadline_ms: int = 4000
    call_id: str = field(default_factory=lambda: secrets.token_hex(8))

    async def asked(self) -> dict[str, Any]:
        """The answer; a broken connection means: continue."""
        body = {"call_id": self.call_id, "caller": self.caller, "line": LINE, "attempt": 1}
        try:
            async with self.product.post(
                "/v1/deflections", body | {"deadline_ms": self.deadline_ms}
            ) as response:
                answer: dict[str, Any] = await response.json(content_type=None)
                return answer
        except aiohttp.ClientError:
            return {"action": "continue", "reason": "broken"}

    async def kept_its_promises(self, *answers: dict[str, Any]) -> None:
        """At most one message went out, and whoever was told to hang up has it."""
        assert await self.product.sandbox.openings(self.caller) <= 1
        *_, last = answers
        [row] = await self.product.rows(
            "SELECT d.outcome, m.status FROM ivr_bridge.call AS c"
            " JOIN ivr_bridge.deflection AS d USING (workspace_id, call_ref)"
            " LEFT JOIN messaging.message AS m USING (workspace_id, message_id)"
            " WHERE c.call_id = $1 AND d.attempt = 1",
            self.call_id,
        )
        # Whatever was decided is decided for good.
        assert row["outcome"] == last["action"]
        if "hangup" in {answer["action"] for answer in answers}:
            assert last["action"] == "hangup"
            assert row["status"] in EVIDENCE


@pytest.mark.parametrize("shift_s", [0.0, 0.06])
async def test_a_web_process_killed_at_any_moment_keeps_its_promises(
    product: Product, shift_s: float
):
    """Twelve calls, begun one after the other: a single kill hits each at another moment."""
    calls = [Call(product, new_phone(product).number, deadline_ms=10_000) for _ in range(12)]
    for call in calls:
        await product.sandbox.behave(
            call.caller, "reachable", accepted_ms=80, sent_ms=200, delivered_ms=400
        )
    asked = []
    for call in calls:
        asked.append(asyncio.ensure_future(call.asked()))
        await asyncio.sleep(0.12)
    # On a slow machine too, one of them is answered and others are not.
    await asyncio.wait(asked, timeout=20, return_when=asyncio.FIRST_COMPLETED)
    await asyncio.sleep(shift_s)
    product.web.kill()
    before = await asyncio.gather(*asked)
    product.web.start()
    await product.ready()
    after = await asyncio.gather(*[call.asked() for call in calls])
    assert {"broken", "ok"} <= {answer["reason"] for answer in before}
    for call, first, again in zip(calls, before, after, strict=True):
        await call.kept_its_promises(first, again)


@dataclass(slots=True)
class Scene:
    """What a step needs to hold the process still in the middle of this call."""

    product: Product
    owner: asyncpg.Connection
    call: Call
    first: "asyncio.Task[dict[str, Any]] | None" = None
    locked: Any = None

    async def ask(self) -> None:
        """Without waiting for the answer."""
        self.first = asyncio.ensure_future(self.call.asked())

    async def behave(self, behaviour: str, **more: Any) -> None:
        await self.product.sandbox.behave(self.call.caller, behaviour, **more)

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
        async with asyncio.timeout(20):
            while not await self.owner.fetchval(  # noqa: ASYNC110 - the database tells nobody
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                " AND wait_event_type = 'Lock' AND application_name LIKE 'ivr-bridge%'"
            ):
                await asyncio.sleep(0.01)

    async def on_the_wire(self) -> None:
        assert await self.product.sandbox.wire(self.call.caller, kind="opening", wait_ms=10_000)

    async def reached(self, wanted: str, of: str) -> None:
        await self.product.until(
            "SELECT 1 FROM ivr_bridge.call AS c"
            " JOIN ivr_bridge.deflection AS d USING (workspace_id, call_ref)"
            " JOIN messaging.message AS m USING (workspace_id, message_id)"
            f" WHERE c.call_id = $1 AND {of} = $2",
            self.call.call_id,
            wanted,
        )


async def before_the_insert(scene: Scene) -> None:
    await scene.lock("ivr_bridge.deflection")
    await scene.ask()
    await scene.blocked()


async def while_the_provider_is_asked(scene: Scene) -> None:
    await scene.behave("held")
    await scene.ask()
    await scene.on_the_wire()


async def before_the_reply_is_recorded(scene: Scene) -> None:
    await scene.behave("held")
    await scene.ask()
    await scene.on_the_wire()
    await scene.lock("messaging.message")
    await scene.product.sandbox.release()
    await scene.blocked()


async def while_waiting_for_evidence(scene: Scene) -> None:
    await scene.behave("manual")
    await scene.ask()
    await scene.reached("accepted", "m.status")


async def before_the_decision_commits(scene: Scene) -> None:
    await scene.behave("manual")
    await scene.ask()
    await scene.reached("accepted", "m.status")
    await scene.lock("ivr_bridge.deflection")
    await scene.product.sandbox.status("sent", to=scene.call.caller)
    await scene.blocked()


async def after_the_decision_commits(scene: Scene) -> None:
    await scene.behave("reachable", sent_ms=20, delivered_ms=60)
    await scene.ask()
    await scene.reached("hangup", "d.outcome")


@asynccontextmanager
async def staged(product: Product) -> AsyncIterator[Scene]:
    owner = await asyncpg.connect(product.database_url)
    try:
        yield Scene(product, owner, Call(product, new_phone(product).number))
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
    async with staged(product) as scene:
        await step(scene)
        product.web.kill()
        await scene.unlock()
        assert scene.first is not None
        first = await scene.first
        await product.sandbox.release()
        product.web.start()
        await product.ready()
        again = await scene.call.asked()
        once_more = await scene.call.asked()
    assert again["action"] == once_more["action"]
    await scene.call.kept_its_promises(first, again)
