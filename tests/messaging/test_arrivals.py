"""What one customer said is with one hand at a time, in the order in which it came."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import cast
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from core.ids import AccountId, WorkspaceId
from core.vocabulary import ChannelKind
from messaging.arrivals import Arrivals
from messaging.batch import Told
from messaging.channel import Account, AddressKind, InboundMessage
from messaging.content import Content, ContentType

ACCOUNT = Account(
    WorkspaceId(1),
    AccountId(UUID(int=1)),
    "whatsapp",
    ChannelKind.WHATSAPP,
    "http://x",
    "1",
    {},
    {},
)

NOBODY = cast("asyncio.Future[None]", None)
"""Nobody waits for these."""


def told(*senders: str, body: bytes = b"") -> Told:
    """A request in which these customers say something."""
    events = [
        InboundMessage(
            event_key=f"m:{sender}",
            provider_id=f"wamid.{sender}",
            sender={AddressKind.WA_ID: sender},
            profile_name=None,
            at=datetime(2026, 11, 22, tzinfo=UTC),
            content=Content(ContentType.TEXT, text="Hello"),
        )
        for sender in senders
    ]
    return Told(ACCOUNT, events, body, NOBODY)


def arrivals(*, requests: int = 100, total_bytes: int = 100, batch_requests: int = 3) -> Arrivals:
    return Arrivals(
        requests=requests,
        total_bytes=total_bytes,
        batch_requests=batch_requests,
        batch_weight=6,
    )


def test_a_customers_next_message_waits_for_the_hand_that_has_the_first():
    line = arrivals(batch_requests=1)
    first, second, other = told("anna"), told("anna"), told("boris")
    for each in (first, second, other):
        line.put(each)
    assert line.take() == [first]
    assert line.take() == [other]
    assert line.take() == []
    line.written([other])
    assert line.take() == []
    line.written([first])
    assert line.take() == [second]


def test_nobody_overtakes_a_request_that_waits_for_another_customer_in_it():
    line = arrivals(batch_requests=1)
    first, both, later = told("anna"), told("anna", "boris"), told("boris")
    for each in (first, both, later):
        line.put(each)
    assert line.take() == [first]
    assert line.take() == []
    line.written([first])
    assert line.take() == [both]
    assert line.take() == []
    line.written([both])
    assert line.take() == [later]


def test_reports_and_unread_bodies_wait_for_nobody():
    line = arrivals(batch_requests=1)
    for each in (told("anna"), told(), told()):
        line.put(each)
    assert [len(line.take()) for _ in range(3)] == [1, 1, 1]


def test_what_stands_behind_counts_as_waiting():
    line = arrivals(requests=2, total_bytes=10)
    line.put(told("anna"))
    line.take()
    line.put(told("anna", body=bytes(6)))
    assert line.take() == []
    assert line.has_room(4)
    assert not line.has_room(5)
    line.put(told("boris"))
    assert not line.has_room(0)
    assert [len(each.senders) for each in line.clear()] == [1, 1]
    assert line.has_room(10)


class Hands(RuleBasedStateMachine):
    """Requests arrive, hands take batches and are done with them, in whatever order."""

    def __init__(self) -> None:
        super().__init__()
        self.line = arrivals()
        self.arrived = 0
        self.waiting = 0
        self.busy: list[Sequence[Told]] = []
        self.came: dict[str, list[bytes]] = defaultdict(list)
        self.went: dict[str, list[bytes]] = defaultdict(list)

    @rule(senders=st.lists(st.sampled_from("abcd"), max_size=3, unique=True))
    def arrive(self, senders: list[str]) -> None:
        self.arrived += 1
        request = told(*senders, body=b"%d" % self.arrived)
        self.line.put(request)
        self.waiting += 1
        for sender in senders:
            self.came[sender].append(request.body)

    @rule()
    def take(self) -> None:
        taken = self.line.take()
        self.waiting -= len(taken)
        assert _senders(taken).isdisjoint(set().union(*map(_senders, self.busy)))
        assert taken or not self.waiting or self.busy, "nobody is in the way of what waits"
        if taken:
            self.busy.append(taken)

    @precondition(lambda self: self.busy)
    @rule(data=st.data())
    def be_done(self, data: st.DataObject) -> None:
        batch = self.busy.pop(data.draw(st.integers(0, len(self.busy) - 1)))
        for each in batch:
            for sender in each.senders:
                self.went[sender].append(each.body)
        self.line.written(batch)

    @invariant()
    def each_customers_words_are_written_in_their_order(self) -> None:
        for sender, came in self.came.items():
            assert self.went[sender] == came[: len(self.went[sender])]

    def teardown(self) -> None:
        for batch in self.busy:
            self.line.written(batch)
        while batch := self.line.take():
            self.waiting -= len(batch)
            self.line.written(batch)
        assert self.waiting == 0


TestHands = Hands.TestCase


def _senders(batch: Sequence[Told]) -> set[str]:
    return {sender for each in batch for sender in each.senders}
