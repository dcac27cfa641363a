"""Files: kept here, put up by operators, shown by signed links, known to providers."""

import hashlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from core.clock import Clock
from core.faults import NotFound, Refused
from core.ids import AccountId, MediaId, PersonId, WorkspaceId, new_id, parse, public
from core.postgres import Database, Tx
from core.queries import load
from core.sealing import Sealer
from messaging.files import Files
from messaging.filetypes import FileType, file_name, recognise

SQL = load(Path(__file__).with_name("media.sql"))

_MIB = 1 << 20
UPLOAD_LIMITS: Mapping[str, int] = {"image": 5 * _MIB, "video": 16 * _MIB, "audio": 16 * _MIB}
UPLOAD_LIMIT = 25 * _MIB
"""What an operator may put up; what a channel takes is its own affair and mostly more."""

_LINK_FOR = timedelta(hours=1)


class MediaUnknown(NotFound, code="media_unknown"):
    """There is no file under this address, or the link is too old."""


class MediaTooLarge(Refused, status=413, code="media_too_large"):
    """This file is larger than a messenger takes."""


class MediaTypeRefused(Refused, status=415, code="media_type_refused"):
    """Files of this kind are not sent: use a picture, sound, video, PDF, office document or text."""


@dataclass(frozen=True, slots=True)
class Media:
    """A file: `pending` at the provider, `ready` here, `refused` or `gone` with a reason."""

    media_id: MediaId
    origin: str
    account_id: AccountId | None
    provider_media_id: str | None
    provider_url: str | None
    state: str
    reason: str | None
    mime: str
    name: str | None
    size: int | None
    width: int | None
    height: int | None
    stored_as: str | None


async def media(tx: Tx, media_id: MediaId) -> Media:
    """One file; raises MediaUnknown."""
    row = await tx.fetchrow(*SQL["media"](workspace=tx.workspace_id, media_id=media_id))
    if row is None:
        raise MediaUnknown
    return Media(**row)


def signed_path(sealer: Sealer, workspace_id: WorkspaceId, media_id: MediaId, now: datetime) -> str:
    """Where a browser finds this file, for an hour or two.

    The end falls on a full hour, so that the same file keeps its address and stays in the cache.
    """
    ends = (now + 2 * _LINK_FOR).replace(minute=0, second=0, microsecond=0)
    claims = {"w": workspace_id, "m": public("md", media_id)}
    return f"/media/{sealer.sign(claims, expires_at=ends)}"


class Library:
    """Files as the rest of the house needs them."""

    def __init__(
        self,
        database: Database,
        files: Files,
        sealer: Sealer,
        clock: Clock,
    ) -> None:
        self._database = database
        self._files = files
        self._sealer = sealer
        self._clock = clock

    def path(self, workspace_id: WorkspaceId, media_id: MediaId) -> str:
        """A signed link to a file."""
        return signed_path(self._sealer, workspace_id, media_id, self._clock())

    async def put_up(
        self, workspace_id: WorkspaceId, *, content: bytes, name: str | None, by: PersonId
    ) -> Media:
        """Keep an operator's file; raises MediaTypeRefused or MediaTooLarge."""
        kind = recognise(content)
        if kind is None:
            raise MediaTypeRefused
        if len(content) > UPLOAD_LIMITS.get(kind.family, UPLOAD_LIMIT):
            raise MediaTooLarge
        media_id = MediaId(new_id())
        stored_as = await self.store(workspace_id, media_id, content)
        async with self._database.workspace(workspace_id) as tx:
            await tx.execute(
                *SQL["add_upload"](
                    workspace=workspace_id,
                    media_id=media_id,
                    name=file_name(name),
                    stored_as=stored_as,
                    uploaded_by=by,
                    **facts_of(kind, content),
                )
            )
            return await media(tx, media_id)

    async def store(self, workspace_id: WorkspaceId, media_id: MediaId, content: bytes) -> str:
        """Keep the bytes of a file, whose row is the caller's to write; where they lie."""
        # Nobody outside chose the name. The last digits are the random ones: they spread the folders.
        stored_as = f"{workspace_id}/{media_id.hex[-2:]}/{media_id.hex}"
        await self._files.put(stored_as, content)
        return stored_as

    async def open(self, token: str) -> tuple[Media, AsyncIterator[bytes]]:
        """The file behind a signed link, in pieces; raises MediaUnknown."""
        try:
            claims = self._sealer.claims(token, now=self._clock())
        except ValueError:
            claims = None
        if claims is None:
            raise MediaUnknown
        async with self._database.workspace(WorkspaceId(claims["w"]), read_only=True) as tx:
            found = await media(tx, MediaId(parse("md", claims["m"])))
        if found.stored_as is None:
            raise MediaUnknown
        return found, self._files.pieces(found.stored_as)

    async def content(self, found: Media) -> bytes:
        """All of a file that is here."""
        if found.stored_as is None:
            raise MediaUnknown
        return await self._files.get(found.stored_as)


async def at_provider(tx: Tx, media_id: MediaId, account_id: AccountId) -> str | None:
    """The provider's id of a file that it has already."""
    found: str | None = await tx.fetchval(
        *SQL["at_provider"](workspace=tx.workspace_id, media_id=media_id, account_id=account_id)
    )
    return found


async def put_at_provider(
    tx: Tx, media_id: MediaId, account_id: AccountId, provider_media_id: str
) -> None:
    """The provider has it now. Meta keeps an uploaded file for 30 days; we count on a day less."""
    await tx.execute(
        *SQL["put_at_provider"](
            workspace=tx.workspace_id,
            media_id=media_id,
            account_id=account_id,
            provider_media_id=provider_media_id,
            days=29,
        )
    )


def facts_of(kind: FileType, content: bytes) -> dict[str, object]:
    """What its row says about a file that is here."""
    return {
        "mime": kind.mime,
        "size": len(content),
        "sha256": hashlib.sha256(content).digest(),
        "width": kind.width,
        "height": kind.height,
    }
