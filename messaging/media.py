"""Files in both directions: fetched from providers by jobs, put up by operators, shown by signed links."""

import hashlib
import random
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import structlog

from core.clock import Clock
from core.faults import NotFound, Refused
from core.ids import AccountId, MediaId, MessageId, PersonId, WorkspaceId, new_id, parse, public
from core.jobs import Job, NewJob, Snooze, enqueue, finish
from core.postgres import Database, Tx
from core.queries import load
from core.sealing import Sealer
from core.vocabulary import ChannelKind
from messaging.accounts import Accounts
from messaging.channel import Ambiguous, Channel, FailureClass, Rejected, RemoteMedia
from messaging.files import Files
from messaging.filetypes import FileType, file_name, recognise

log = structlog.get_logger()
SQL = load(Path(__file__).with_name("media.sql"))

FETCH_JOB = "messaging.fetch_media"

_FETCH_TIMEOUT_S = 18.0
_FETCHED_WITHIN = timedelta(days=6, hours=12)
"""Meta keeps a customer's file for 7 days (CHANNELS.md section 2): until then nothing is lost."""
_LONGEST_PAUSE_S = 600.0
_PASSING = frozenset({FailureClass.TRANSIENT, FailureClass.PAIR_RATE, FailureClass.ACCOUNT})
"""Refusals that say nothing about the file, such as a token that has yet to be replaced."""
_MIB = 1 << 20
_OTHERWISE = 16 * _MIB
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


async def expect(
    tx: Tx, *, account_id: AccountId, remote: RemoteMedia, message_id: MessageId
) -> MediaId:
    """A customer sent a file: remember it, and have it fetched."""
    media_id = MediaId(new_id())
    await tx.execute(
        *SQL["expect"](
            workspace=tx.workspace_id,
            media_id=media_id,
            account_id=account_id,
            provider_media_id=remote.provider_media_id,
            provider_url=remote.url,
            mime=remote.mime,
            name=file_name(remote.name),
        )
    )
    await enqueue(
        tx,
        NewJob(
            kind=FETCH_JOB,
            payload={"media_id": str(media_id), "message_id": str(message_id)},
            band="media",
        ),
    )
    return media_id


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
        accounts: Accounts,
        channels: Mapping[ChannelKind, Channel],
        clock: Clock,
    ) -> None:
        self._database = database
        self._files = files
        self._sealer = sealer
        self._accounts = accounts
        self._channels = channels
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
        stored_as = _place(workspace_id, media_id)
        await self._files.put(stored_as, content)
        async with self._database.workspace(workspace_id) as tx:
            await tx.execute(
                *SQL["add_upload"](
                    workspace=workspace_id,
                    media_id=media_id,
                    name=file_name(name),
                    stored_as=stored_as,
                    uploaded_by=by,
                    **_facts(kind, content),
                )
            )
            return await media(tx, media_id)

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

    async def fetch(self, job: Job) -> None:
        """Bring a customer's file here, or say why not. The network is used outside transactions."""
        media_id = MediaId(UUID(job.payload["media_id"]))
        async with self._database.workspace(job.workspace_id, read_only=True) as tx:
            found = await media(tx, media_id)
        if found.state != "pending" or found.account_id is None:
            await self._finish(job)
            return
        try:
            content, kind = await self._download(job.workspace_id, found, found.account_id)
        except Rejected as rejected:
            passing = rejected.failure.failure_class in _PASSING
            if not passing or self._too_late(job):
                await self._give_up(job, media_id, "gone", rejected.failure.code)
            else:
                raise self._later(job, rejected.retry_after_s) from rejected
        except MediaTypeRefused:
            await self._give_up(job, media_id, "refused", "type")
        except Ambiguous as lost:
            if self._too_late(job):
                await self._give_up(job, media_id, "gone", "not_fetched")
            else:
                raise self._later(job) from lost
        else:
            await self._keep(job, media_id, content, kind)

    def _too_late(self, job: Job) -> bool:
        return self._clock() - job.created_at > _FETCHED_WITHIN

    def _later(self, job: Job, retry_after_s: float | None = None) -> Snooze:
        """Again after as long as it has waited already, so that an outage costs few questions."""
        waited_s = (self._clock() - job.created_at).total_seconds()
        pause_s = min(_LONGEST_PAUSE_S, max(2.0, waited_s)) * random.uniform(0.8, 1.2)  # noqa: S311 - spreading, not secrecy
        log.info("media.put_off", media_id=job.payload["media_id"], pause_s=round(pause_s))
        return Snooze(max(retry_after_s or 0.0, pause_s))

    async def _download(
        self, workspace_id: WorkspaceId, found: Media, account_id: AccountId
    ) -> tuple[bytes, FileType]:
        account = await self._accounts.find(workspace_id, account_id)
        channel = self._channels[account.kind]
        remote = RemoteMedia(
            found.provider_media_id or "", found.mime, found.name, None, found.provider_url
        )
        family = found.mime.partition("/")[0]
        limit = channel.capabilities.media_limits.get(family, _OTHERWISE)
        content, _ = await channel.download(
            account, remote, limit=limit, timeout_s=_FETCH_TIMEOUT_S
        )
        kind = recognise(content)
        if kind is None:
            raise MediaTypeRefused
        return content, kind

    async def _keep(self, job: Job, media_id: MediaId, content: bytes, kind: FileType) -> None:
        stored_as = _place(job.workspace_id, media_id)
        await self._files.put(stored_as, content)
        async with self._database.workspace(job.workspace_id) as tx:
            await tx.execute(
                *SQL["arrived"](
                    workspace=tx.workspace_id,
                    media_id=media_id,
                    message_id=UUID(job.payload["message_id"]),
                    stored_as=stored_as,
                    **_facts(kind, content),
                )
            )
            await finish(tx, job)
            tx.wake(f"desk:{tx.workspace_id}")
        log.info("media.arrived", media_id=str(media_id), mime=kind.mime, size=len(content))

    async def _give_up(self, job: Job, media_id: MediaId, state: str, reason: str) -> None:
        async with self._database.workspace(job.workspace_id) as tx:
            await tx.execute(
                *SQL["given_up"](
                    workspace=tx.workspace_id,
                    media_id=media_id,
                    message_id=UUID(job.payload["message_id"]),
                    state=state,
                    reason=reason,
                )
            )
            await finish(tx, job)
            tx.wake(f"desk:{tx.workspace_id}")
        log.info("media.given_up", media_id=str(media_id), state=state, reason=reason)

    async def _finish(self, job: Job) -> None:
        async with self._database.workspace(job.workspace_id) as tx:
            await finish(tx, job)


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


def _place(workspace_id: WorkspaceId, media_id: MediaId) -> str:
    """A name that nobody outside chose. The last digits are the random ones: they spread the folders."""
    return f"{workspace_id}/{media_id.hex[-2:]}/{media_id.hex}"


def _facts(kind: FileType, content: bytes) -> dict[str, object]:
    return {
        "mime": kind.mime,
        "size": len(content),
        "sha256": hashlib.sha256(content).digest(),
        "width": kind.width,
        "height": kind.height,
    }
