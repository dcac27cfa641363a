"""No account speaks faster than its provider takes, whichever process speaks."""

from dataclasses import replace

import pytest

from core.ids import ContactId, new_id
from messaging.pacing import Pacing, pacing_redis
from tests.messaging.conftest import House

ANNA, BORIS = ContactId(new_id()), ContactId(new_id())


class Seconds:
    """Time that passes when told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
def alone(house: House, seconds: Seconds) -> Pacing:
    return Pacing(house.channels, None, seconds=seconds)


def slow(house: House, per_second: int):
    return replace(house.account, settings={"messages_per_second": str(per_second)})


async def test_an_account_may_burst_a_second_and_then_keeps_its_pace(house, alone, seconds):
    account = slow(house, 10)
    taken = [await alone.allow(account, ContactId(new_id())) for _ in range(11)]
    assert [pace.allowed for pace in taken] == [True] * 10 + [False]
    assert taken[-1].scope == "account"
    assert taken[-1].wait_s == pytest.approx(0.1)
    seconds.now += taken[-1].wait_s + 0.001
    assert (await alone.allow(account, ANNA)).allowed


async def test_one_person_gets_a_burst_and_then_one_in_six_seconds(house, alone, seconds):
    for _ in range(45):
        assert (await alone.allow(house.account, ANNA)).allowed
        seconds.now += 0.05
    refused = await alone.allow(house.account, ANNA)
    assert refused.scope == "pair"
    assert 0 < refused.wait_s <= 6
    assert (await alone.allow(house.account, BORIS)).allowed


async def test_a_refused_message_takes_no_place(house, alone):
    account = slow(house, 1000)
    for _ in range(45):
        await alone.allow(account, ANNA)
    for _ in range(2000):
        assert not (await alone.allow(account, ANNA)).allowed
    assert (await alone.allow(account, BORIS)).allowed


async def test_what_comes_in_counts_and_cannot_lock_out_for_long(house, alone):
    account = slow(house, 10)
    alone.note_inbound(account, 10_000)
    refused = await alone.allow(account, ANNA)
    assert refused.scope == "account"
    assert refused.wait_s <= 1.0


async def test_processes_share_the_pace_through_redis(house, redis_url):
    account = slow(house, 20)
    async with pacing_redis(redis_url) as one, pacing_redis(redis_url) as other:
        both = [Pacing(house.channels, one), Pacing(house.channels, other)]
        paces = [await both[n % 2].allow(account, ContactId(new_id())) for n in range(100)]
        allowed = sum(pace.allowed for pace in paces)
    # A burst of 20, and whatever ran out of the bucket while the hundred were asked.
    assert 20 <= allowed <= 40


async def test_pairs_are_shared_too(house, redis_url):
    async with pacing_redis(redis_url) as one, pacing_redis(redis_url) as other:
        both = [Pacing(house.channels, one), Pacing(house.channels, other)]
        paces = [await both[n % 2].allow(house.account, ANNA) for n in range(46)]
    assert [pace.scope for pace in paces] == [None] * 45 + ["pair"]


async def test_what_came_in_here_is_known_there(house, redis_url):
    account = slow(house, 5)
    async with pacing_redis(redis_url) as one, pacing_redis(redis_url) as other:
        here, there = Pacing(house.channels, one), Pacing(house.channels, other)
        here.note_inbound(account, 100)
        await here.share()
        assert (await there.allow(account, ANNA)).scope == "account"


async def test_without_redis_each_process_paces_itself(house, seconds):
    account = slow(house, 3)
    async with pacing_redis("redis://127.0.0.1:1") as nowhere:
        pacing = Pacing(house.channels, nowhere, seconds=seconds)
        paces = [await pacing.allow(account, ContactId(new_id())) for _ in range(4)]
    assert [pace.allowed for pace in paces] == [True, True, True, False]
