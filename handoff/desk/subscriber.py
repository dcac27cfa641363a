"""One connected desk as the feed sees it: what it may see, and what waits to be sent to it."""

import asyncio
from collections import deque
from dataclasses import dataclass, field
from enum import Enum
from uuid import UUID

from core.ids import ConversationId, PersonId
from handoff.desk.sight import Sight

_MOST_FRAMES = 256
_MOST_BYTES = 2 * 1024 * 1024


class Ending(Enum):
    """Why a desk is let go."""

    SIGNED_OUT = "signed_out"
    SLOW = "slow"
    """It does not take what is sent: better to drop it than to keep everything for it."""
    BROKEN = "broken"
    """The feed itself failed; the desk comes back and begins anew."""
    LEAVING = "leaving"
    """This process stops."""


@dataclass(slots=True, eq=False)
class Subscriber:
    """A desk's end of the feed."""

    socket_id: UUID
    session_id: UUID
    person_id: PersonId
    sight: Sight
    gone: set[ConversationId] = field(default_factory=set)
    stale: bool = True
    """It needs a snapshot before anything else."""
    ending: Ending | None = None
    something: asyncio.Event = field(default_factory=asyncio.Event)
    over: asyncio.Event = field(default_factory=asyncio.Event)
    _frames: deque[str] = field(default_factory=deque)
    _bytes: int = 0

    def put(self, frame: str) -> None:
        """Have a frame sent; whoever does not keep up is let go."""
        self._frames.append(frame)
        self._bytes += len(frame)
        # One frame alone may be large; several that nobody takes may not.
        kept = len(self._frames)
        if kept > _MOST_FRAMES or (kept > 1 and self._bytes > _MOST_BYTES):
            self.let_go(Ending.SLOW)
        self.something.set()

    def take(self) -> str | None:
        """The next frame to send."""
        if not self._frames:
            return None
        frame = self._frames.popleft()
        self._bytes -= len(frame)
        return frame

    def outdate(self, sight: Sight | None = None) -> None:
        """What it holds cannot be brought up to date by changes: it is given a new picture."""
        self.sight = sight or self.sight
        self.stale = True
        self.forget()
        self.something.set()

    def forget(self) -> None:
        """Nothing that waits is sent any more."""
        self._frames.clear()
        self._bytes = 0

    def let_go(self, ending: Ending) -> None:
        """This desk is to be closed."""
        self.ending = self.ending or ending
        self.forget()
        self.over.set()
