"""Uploaded and customers' files: ids that live, addresses that die after five minutes."""

import hashlib
import secrets
from dataclasses import dataclass
from typing import Final

from sandbox.graph.refusals import Refusal
from sandbox.timeline import Timeline

URL_LIVES_S = 300.0
UPLOAD_LIVES_S, INBOUND_LIVES_S = 30 * 86_400.0, 7 * 86_400.0
_MB = 1024 * 1024
KEPT_BYTES: Final = 256 * _MB

# Meta's supported media: type prefix or full type -> size limit.
LIMITS: Final[dict[str, int]] = {
    "image/jpeg": 5 * _MB,
    "image/png": 5 * _MB,
    "image/webp": 500 * 1024,
    "video/mp4": 16 * _MB,
    "video/3gpp": 16 * _MB,
    "audio/aac": 16 * _MB,
    "audio/amr": 16 * _MB,
    "audio/mpeg": 16 * _MB,
    "audio/mp4": 16 * _MB,
    "audio/ogg": 16 * _MB,
    "text/plain": 100 * _MB,
    "application/pdf": 100 * _MB,
    "application/msword": 100 * _MB,
    "application/vnd.ms-excel": 100 * _MB,
    "application/vnd.ms-powerpoint": 100 * _MB,
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": 100 * _MB,
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": 100 * _MB,
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": 100 * _MB,
}


@dataclass(slots=True)
class Medium:
    """One file."""

    id: str
    account: str
    mime: str
    sha256: str
    content: bytes
    filename: str | None
    until: float


class MediaShelf:
    """Files by id; the oldest go when there are too many bytes."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self._kept: dict[str, Medium] = {}
        self._links: dict[str, tuple[str, float]] = {}
        self._bytes = 0

    def upload(self, account: str, mime: str, content: bytes, filename: str | None) -> Medium:
        """A business's file, checked as Meta checks it."""
        plain = mime.partition(";")[0].strip().lower()
        limit = LIMITS.get(plain)
        if limit is None:
            raise Refusal(131053, f"Unsupported file type {plain or 'unknown'}")
        if len(content) > limit:
            raise Refusal(131053, f"{plain} files may have {limit} bytes at most")
        if not content:
            raise Refusal(131053, "The file is empty")
        return self.keep(account, mime, content, filename, lives=UPLOAD_LIVES_S)

    def keep(
        self,
        account: str,
        mime: str,
        content: bytes,
        filename: str | None,
        *,
        lives: float = INBOUND_LIVES_S,
    ) -> Medium:
        """Any file, under a new id."""
        medium = Medium(
            id=str(secrets.randbelow(9 * 10**14) + 10**14),
            account=account,
            mime=mime,
            sha256=hashlib.sha256(content).hexdigest(),
            content=content,
            filename=filename,
            until=self._timeline.now() + lives,
        )
        self.put_back(medium)
        return medium

    def put_back(self, medium: Medium) -> None:
        """Keep a file under the id it has."""
        self._kept[medium.id] = medium
        self._bytes += len(medium.content)
        while self._bytes > KEPT_BYTES and len(self._kept) > 1:
            self.drop(next(iter(self._kept)))

    def get(self, media_id: str) -> Medium | None:
        """The file, while it lives."""
        medium = self._kept.get(media_id)
        if medium is None or medium.until <= self._timeline.now():
            return None
        return medium

    def drop(self, media_id: str) -> None:
        """Delete a file."""
        medium = self._kept.pop(media_id, None)
        if medium:
            self._bytes -= len(medium.content)

    def link(self, medium: Medium) -> str:
        """The secret part of a download address, good for five minutes."""
        now = self._timeline.now()
        self._links = {word: kept for word, kept in self._links.items() if kept[1] > now}
        word = secrets.token_urlsafe(24)
        self._links[word] = (medium.id, now + URL_LIVES_S)
        return word

    def follow(self, word: str) -> Medium | None:
        """The file behind a download address that is still good."""
        media_id, until = self._links.get(word, ("", 0.0))
        return self.get(media_id) if until > self._timeline.now() else None

    def all(self) -> list[Medium]:
        """Every file (for keeping over a restart)."""
        return list(self._kept.values())

    def clear(self) -> None:
        """Forget all files."""
        self._kept.clear()
        self._links.clear()
        self._bytes = 0
