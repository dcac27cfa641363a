"""The room's jobs under the real worker: nobody runs them by hand, and hints make the waits short."""

import asyncio
import time

import pytest

from core.clock import utc_now
from core.jobs import Band, Worker
from core.wake import Wake
from handoff.conversation.lifecycle import State
from handoff.jobs import handlers
from tests.handoff.conftest import House


@pytest.fixture
async def worked(house: House, wake: Wake, request: pytest.FixtureRequest):
    """The house with its workers running, who look for themselves this often."""
    idle_s: float = request.param
    stop = asyncio.Event()
    worker = Worker(house.database, wake)
    bands = handlers(house.database, house.published.events, utc_now)
    running = [
        asyncio.ensure_future(worker.run(Band(name, 4, kinds, idle_s=idle_s), stop))
        for name, kinds in bands.items()
    ]
    house.clock = utc_now
    yield house
    stop.set()
    await asyncio.gather(*running)


async def until(house: House, wake: Wake, state: State) -> float:
    """Seconds until the customer's conversation is in this state, told by hints."""
    began = time.monotonic()
    with wake.listening(f"desk:{house.workspace_id}") as changed:
        async with asyncio.timeout(10):
            while (await house.latest()).state != state:
                await changed.wait(0.2)
    return time.monotonic() - began


@pytest.mark.parametrize("worked", [60], indirect=True)
async def test_from_a_tap_to_an_operators_hands_in_moments(worked, wake):
    olga = await worked.at_work()
    await worked.invited()
    await worked.tapped("c:abc")
    await until(worked, wake, State.BOT)
    await worked.tapped("f:menu:person")
    # A bot turn, a hand-over and a placing: nobody looks by themselves for a minute, so each must
    # have been woken by the one before.
    await until(worked, wake, State.RESERVED)
    (held_out,) = await worked.offered(olga)
    held = await worked.conversations.accept(worked.workspace_id, held_out.reservation_id, by=olga)
    assert held.state == State.ACTIVE


@pytest.mark.parametrize("worked", [0.2], indirect=True)
async def test_words_are_answered_when_the_burst_is_over(worked, wake):
    await worked.wrote("I want")
    await worked.wrote("an operator please")
    took = await until(worked, wake, State.QUEUED)
    assert took > 1
    (turns,) = await worked.owner.fetchrow("SELECT bot_state->>'turns' FROM handoff.conversation")
    assert turns == "1"
