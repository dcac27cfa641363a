"""Work that costs little more for many than for one: what arrives while others are served shares a turn.

Nobody waits for company: whoever comes while a hand is free is served at once. Under load the hands
are busy, those who wait meanwhile form the next group, and a transaction's cost is shared among them.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import structlog

log = structlog.get_logger()

Place = TypeVar("Place", bound=Hashable)
Asked = TypeVar("Asked")
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class _Waiting(Generic[Asked, Answer]):
    asked: Asked
    answer: "asyncio.Future[Answer]"


@dataclass(slots=True)
class _Line(Generic[Asked, Answer]):
    """Who waits at one place, and how many hands are busy there."""

    waiting: deque[_Waiting[Asked, Answer]] = field(default_factory=deque)
    busy: int = 0
    slow: int = 0
    """Hands that have been busy for longer than anybody should wait for them."""


class Together(Generic[Place, Asked, Answer]):
    """Serves those who wait at one place in groups."""

    def __init__(
        self,
        serve: Callable[[Place, Sequence[Asked]], Awaitable[Sequence[Answer]]],
        *,
        apart: Callable[[Asked], Iterable[Hashable]],
        hands: int = 2,
        patience_s: float = 0.02,
        at_most: int = 32,
    ) -> None:
        """`serve` answers a whole group in its order. No two of a group are the same in anything that
        `apart` names. One hand serves, for a group that grows is cheaper than one more transaction;
        a further one is taken when it has been busy for `patience_s`.
        """
        self._serve = serve
        self._apart = apart
        self._hands = hands
        self._patience_s = patience_s
        self._at_most = at_most
        self._lines: dict[Place, _Line[Asked, Answer]] = {}
        self._serving: set[asyncio.Task[None]] = set()

    async def ask(self, place: Place, asked: Asked) -> Answer:
        """The answer; whatever `serve` raises is raised to everyone of its group."""
        line = self._lines.setdefault(place, _Line())
        waiting: _Waiting[Asked, Answer] = _Waiting(
            asked, asyncio.get_running_loop().create_future()
        )
        line.waiting.append(waiting)
        self._take_hands(place, line)
        return await waiting.answer

    def _take_hands(self, place: Place, line: _Line[Asked, Answer]) -> None:
        while line.waiting and line.busy == line.slow and line.busy < self._hands:
            group = self._next(line)
            if not group:
                break
            line.busy += 1
            task = asyncio.get_running_loop().create_task(self._turn(place, line, group))
            self._serving.add(task)
            task.add_done_callback(self._serving.discard)
        if not (line.busy or line.waiting):
            self._lines.pop(place, None)

    def _next(self, line: _Line[Asked, Answer]) -> list[_Waiting[Asked, Answer]]:
        """The first of the line; whoever gave up is left out, whoever must stay apart waits on."""
        group: list[_Waiting[Asked, Answer]] = []
        left: list[_Waiting[Asked, Answer]] = []
        named: set[Hashable] = set()
        while line.waiting and len(group) < self._at_most:
            waiting = line.waiting.popleft()
            if waiting.answer.done():
                continue
            names = set(self._apart(waiting.asked))
            if names & named:
                left.append(waiting)
                continue
            named |= names
            group.append(waiting)
        line.waiting.extendleft(reversed(left))
        return group

    async def _turn(
        self, place: Place, line: _Line[Asked, Answer], group: Sequence[_Waiting[Asked, Answer]]
    ) -> None:
        slow = False

        def lasts() -> None:
            nonlocal slow
            slow = True
            line.slow += 1
            self._take_hands(place, line)

        watch = asyncio.get_running_loop().call_later(self._patience_s, lasts)
        try:
            answers = await self._serve(place, [each.asked for each in group])
        except Exception as error:  # each of them hears it
            if all(each.answer.done() for each in group):
                log.exception("group.failed_unheard", size=len(group))
            for each in group:
                if not each.answer.done():
                    each.answer.set_exception(error)
        else:
            for each, answer in zip(group, answers, strict=True):
                if not each.answer.done():
                    each.answer.set_result(answer)
        finally:
            watch.cancel()
            line.busy -= 1
            line.slow -= slow
            self._take_hands(place, line)
