"""Both servers as one thing that is started, looked after and stopped."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from config.embedded.place import LINK, lasting, locked, passed, passing, remove
from config.embedded.postgres import Postgres
from config.embedded.valkey import Valkey

Report = Callable[[str], None]


@dataclass(slots=True)
class Embedded:
    """A running pair; leaving its `with` block, or `stop`, ends both servers."""

    _postgres: Postgres
    _valkey: Valkey | None
    _held: ExitStack
    # A watchful owner revives from a thread, and may be told to stop meanwhile.
    _turn: threading.Lock = field(default_factory=threading.Lock, init=False)
    _stopped: bool = field(default=False, init=False)

    @property
    def database_url(self) -> str:
        """For asyncpg: the owner of the database, over the Unix socket."""
        return self._postgres.url

    @property
    def redis_url(self) -> str:
        """For redis-py (`Redis.from_url`), over the Unix socket."""
        if self._valkey is None:
            raise LookupError("this pair was started without Valkey")
        return self._valkey.url

    def revive(self, report: Report) -> list[str]:
        """Start again whichever server has died, under the same address; their names.

        Cheap while both live, so that it may be asked every second.
        """
        revived: list[str] = []
        with self._turn:
            if self._stopped:
                return revived
            if not self._postgres.alive():
                self._postgres.start(report)
                revived.append("PostgreSQL")
            if self._valkey is not None and not self._valkey.alive():
                self._valkey.start(report)
                revived.append("Valkey")
        return revived

    def checkpoint(self) -> None:
        """Have PostgreSQL write down what it holds in memory; blocks until it has."""
        self._postgres.checkpoint()

    def stop(self) -> None:
        """End both servers, data written; safe to call twice."""
        with self._turn:
            self._stopped = True
            self._held.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def start(data_dir: Path, *, report: Callable[[str], None], patience_s: float = 60.0) -> Embedded:
    """The pair that lives in this data folder, running: found again, recovered or made.

    Blocks for up to `patience_s` a server; from a coroutine, call it in a thread.
    """
    place = lasting(data_dir)
    with ExitStack() as held:
        held.enter_context(locked(place.home))
        postgres = Postgres(place, patience_s=patience_s)
        valkey = Valkey(place, patience_s=patience_s)
        return _started(held, postgres, valkey, report)


def erase(data_dir: Path) -> None:
    """End what still runs over this data folder, and remove its databases for good."""
    if not (data_dir / LINK).exists():
        return
    place = lasting(data_dir)
    with locked(place.home):
        Valkey(place).stop()
        Postgres(place).stop()
        remove(place)
    (data_dir / LINK).unlink(missing_ok=True)


@contextmanager
def throwaway(
    *, report: Callable[[str], None] = lambda _: None, valkey: bool = True
) -> Iterator[Embedded]:
    """A quick pair over an empty folder, gone afterwards; without Valkey where none is needed."""
    clear_leftovers()
    with ExitStack() as held:
        place = held.enter_context(passing())
        held.callback(remove, place)
        server = Valkey(place, durable=False) if valkey else None
        with _started(held, Postgres(place, durable=False), server, report) as pair:
            yield pair


def clear_leftovers() -> None:
    """End servers and remove folders of throwaway pairs whose owner was killed."""
    for place in passed():
        Valkey(place, durable=False).stop()
        Postgres(place, durable=False).stop()
        remove(place)


def _started(
    held: ExitStack, postgres: Postgres, valkey: Valkey | None, report: Report
) -> Embedded:
    held.callback(postgres.stop)
    postgres.start(report)
    if valkey is not None:
        held.callback(valkey.stop)
        valkey.start(report)
    return Embedded(postgres, valkey, held.pop_all())
