"""The telephone exchange: which lines can be dialled, and which phone is in which call."""

import asyncio

import aiohttp
import structlog

from sandbox import numbers
from sandbox.phone.call import Call
from sandbox.phone.chats import Chats, Impossible
from sandbox.phone.product import Product
from sandbox.phone.telling import Caller
from sandbox.specs import LineSpec
from sandbox.timeline import Timeline

log = structlog.get_logger()


class Exchange:
    """Starts calls and owns their tasks."""

    def __init__(self, session: aiohttp.ClientSession, timeline: Timeline, chats: Chats) -> None:
        self.lines: dict[str, LineSpec] = {}
        self.calls: dict[str, Call] = {}
        self._session, self._timeline, self._chats = session, timeline, chats
        self._tasks: dict[asyncio.Task[None], Call] = {}

    def register(self, line: LineSpec) -> None:
        """Add or replace a line."""
        self.lines[numbers.key(line.number)] = line

    def dial(self, person: str, line: str, language: str | None, *, withheld: bool) -> Call:
        """Begin a call; a phone has one at a time."""
        wanted = self.lines.get(numbers.key(line))
        if wanted is None:
            raise Impossible("no such line")
        current = self.calls.get(person)
        if current and current.state != "ended":
            raise Impossible("this phone is in a call already")
        caller = Caller(person, language or wanted.language, withheld)
        product = Product(wanted, self._session)
        call = Call(wanted, caller, product, self._timeline, self._changed)
        self.calls[person] = call
        task = asyncio.get_running_loop().create_task(call.run())
        self._tasks[task] = call
        task.add_done_callback(self._over)
        return call

    def current(self, person: str) -> Call | None:
        """The phone's call, or its last one."""
        return self.calls.get(person)

    def reset(self) -> None:
        """All callers hang up."""
        for task, call in list(self._tasks.items()):
            call.hang_up()
            task.cancel()
        self.calls.clear()

    async def stop(self) -> None:
        """End all calls, telling the product as far as it listens."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _over(self, task: asyncio.Task[None]) -> None:
        self._tasks.pop(task, None)
        if not task.cancelled() and (broken := task.exception()):
            log.error("call.crashed", error=repr(broken))

    def _changed(self, call: Call) -> None:
        self._chats.feed.tell(call.caller.person, {"type": "call", "call": call.shown()})
