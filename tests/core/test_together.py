"""Who waits while others are served shares a turn; who comes alone waits for nobody."""

import asyncio
from collections.abc import Sequence

import pytest

from core.together import Together


class Counter:
    """Serves numbers, a turn at a time, when told to."""

    def __init__(self, *, hands: int = 1, patience_s: float = 60, at_most: int = 8) -> None:
        self.groups: list[list[int]] = []
        self.begun: asyncio.Queue[None] = asyncio.Queue()
        self.go = asyncio.Event()
        self.together: Together[str, int, int] = Together(
            self.serve,
            apart=lambda asked: (asked % 100,),
            hands=hands,
            patience_s=patience_s,
            at_most=at_most,
        )

    async def serve(self, place: str, group: Sequence[int]) -> Sequence[int]:
        self.groups.append(list(group))
        self.begun.put_nowait(None)
        await self.go.wait()
        if 13 in group:
            raise LookupError(place)
        return [2 * asked for asked in group]

    def ask(self, *numbers: int, place: str = "here") -> list[asyncio.Task[int]]:
        return [asyncio.ensure_future(self.together.ask(place, number)) for number in numbers]


async def turns(count: int = 5) -> None:
    """Let everybody who can move do so."""
    for _ in range(count):
        await asyncio.sleep(0)


async def test_the_first_goes_at_once_and_the_others_together():
    counter = Counter()
    asking = counter.ask(1, 2, 3)
    await turns()
    assert counter.groups == [[1]]
    counter.go.set()
    assert await asyncio.gather(*asking) == [2, 4, 6]
    assert counter.groups == [[1], [2, 3]]


async def test_a_further_hand_is_taken_when_the_first_one_lasts():
    counter = Counter(hands=2, patience_s=0.01)
    asking = counter.ask(1, 2, 3)
    await turns()
    assert counter.groups == [[1]]
    async with asyncio.timeout(20):
        await counter.begun.get()
        await counter.begun.get()
    assert counter.groups == [[1], [2, 3]]
    asking += counter.ask(4)
    await turns()
    assert counter.groups == [[1], [2, 3]], "there are two hands and no more"
    counter.go.set()
    assert await asyncio.gather(*asking) == [2, 4, 6, 8]


async def test_the_same_are_never_served_in_one_group_and_the_order_stays():
    counter = Counter()
    asking = counter.ask(1, 5, 105, 6, 205)
    counter.go.set()
    assert await asyncio.gather(*asking) == [2, 10, 210, 12, 410]
    assert counter.groups == [[1], [5, 6], [105], [205]]


async def test_a_group_has_its_size():
    counter = Counter(at_most=2)
    asking = counter.ask(1, 2, 3, 4, 5)
    counter.go.set()
    await asyncio.gather(*asking)
    assert counter.groups == [[1], [2, 3], [4, 5]]


async def test_what_breaks_is_heard_by_its_group_and_nobody_else():
    counter = Counter()
    asking = counter.ask(1, 13, 14)
    await turns()
    counter.go.set()
    told = await asyncio.gather(*asking, return_exceptions=True)
    assert told[0] == 2
    assert [type(each) for each in told[1:]] == [LookupError, LookupError]
    assert await asyncio.gather(*counter.ask(7)) == [14]


async def test_who_gives_up_while_waiting_is_left_out():
    counter = Counter()
    asking = counter.ask(1, 2, 3)
    await turns()
    asking[1].cancel()
    await turns()
    counter.go.set()
    assert await asking[0] == 2
    assert await asking[2] == 6
    assert counter.groups == [[1], [3]]
    with pytest.raises(asyncio.CancelledError):
        await asking[1]


async def test_places_do_not_wait_for_each_other():
    counter = Counter()
    here, there = counter.ask(1), counter.ask(2, place="there")
    await turns()
    assert counter.groups == [[1], [2]]
    counter.go.set()
    assert await asyncio.gather(*here, *there) == [2, 4]
    await turns()
    assert not counter.together._lines
