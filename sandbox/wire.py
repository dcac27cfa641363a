"""What reached the wire, as it came: the judge's evidence, written before anything is decided."""

import asyncio
import json
from collections import Counter, deque
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

RING = 50_000


@dataclass(slots=True)
class Record:
    """One request by the product, and what it was answered."""

    seq: int
    at: float
    kind: str
    account: str
    to: str | None
    type: str | None
    tracker: str | None
    method: str
    path: str
    body: bytes
    wamid: str | None = None
    status: int | None = None
    code: int | None = None

    def view(self) -> dict[str, Any]:
        """The record as JSON."""
        return {
            "seq": self.seq,
            "at": self.at,
            "kind": self.kind,
            "account": self.account,
            "to": self.to,
            "type": self.type,
            "tracker": self.tracker,
            "wamid": self.wamid,
            "status": self.status,
            "code": self.code,
            "method": self.method,
            "path": self.path,
            "body": self.body.decode("utf-8", "replace"),
        }


class Wire:
    """A bounded ring of records, exact counts for ever, and a bell for those who wait."""

    def __init__(self, file: Path | None = None) -> None:
        self._records: deque[Record] = deque(maxlen=RING)
        self._counts: dict[str, Counter[str]] = {}
        self._seq = 0
        self._bells: set[asyncio.Event] = set()
        self._file: IO[bytes] | None = file.open("ab", buffering=0) if file else None

    def write(
        self,
        *,
        at: float,
        kind: str,
        account: str,
        method: str,
        path: str,
        body: bytes,
        to: str | None = None,
        type_: str | None = None,
        tracker: str | None = None,
    ) -> Record:
        """Keep one request."""
        self._seq += 1
        record = Record(self._seq, at, kind, account, to, type_, tracker, method, path, body)
        self._records.append(record)
        if to:
            self._counts.setdefault(kind, Counter())[to] += 1
        if self._file:
            self._file.write(json.dumps(record.view()).encode() + b"\n")
        for bell in self._bells:
            bell.set()
        return record

    def find(self, *, to: str | None, since: int, kind: str | None, limit: int) -> list[Record]:
        """Records after `since`, oldest first."""
        found: list[Record] = []
        for record in reversed(self._records):
            if record.seq <= since:
                break
            if (to is None or record.to == to) and (kind is None or record.kind == kind):
                found.append(record)
        found.reverse()
        return found[:limit]

    async def wait(
        self, *, to: str | None, since: int, kind: str | None, limit: int, seconds: float
    ) -> list[Record]:
        """The same, but waiting for the first one to come."""
        bell = asyncio.Event()
        self._bells.add(bell)
        try:
            async with asyncio.timeout(seconds):
                while not (found := self.find(to=to, since=since, kind=kind, limit=limit)):
                    await bell.wait()
                    bell.clear()
                return found
        except TimeoutError:
            return []
        finally:
            self._bells.discard(bell)

    def counts(self, kind: str) -> dict[str, int]:
        """How many requests of a kind each number got, since the last reset."""
        return dict(self._counts.get(kind, {}))

    @property
    def last(self) -> int:
        """The latest sequence number."""
        return self._seq

    def clear(self) -> None:
        """Forget all records; the numbering goes on."""
        self._records.clear()
        self._counts.clear()

    def close(self) -> None:
        """Close the file."""
        if self._file:
            self._file.close()
