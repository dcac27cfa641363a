"""Customers' files, fetched from their providers by jobs."""

import random
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import structlog

from core.clock import Clock
from core.ids import AccountId, MediaId, MessageId, WorkspaceId, new_id
from core.jobs import Job, NewJob, Snooze, enqueue, finish
from core.postgres import Database, Tx
from core.queries import load
from core.vocabulary import ChannelKind
from messaging.accounts import Accounts
from messaging.channel import Ambiguous, Channel, FailureClass, Rejected, RemoteMedia
from messaging.filetypes import FileType, file_name, recognise
from messaging.media import Library, Media, MediaTypeRefused, facts_of, media

log = structlog.get_logger()
SQL = load(Path(__file__).with_name("fetching.sql"))

FETCH_JOB = "messaging.fetch_media"

_FETCH_TIMEOUT_S = 18.0
_FETCHED_WITHIN = timedelta(days=6, hours=12)
"""Meta keeps a customer's file for 7 days: until then nothing is lost."""
_LONGEST_PAUSE_S = 600.0
_PASSING = frozenset({FailureClass.TRANSIENT, FailureClass.PAIR_RATE, FailureClass.ACCOUNT})
"""Refusals that say nothing about the file, such as a token that has yet to be replaced."""
_LARGEST = 16 << 20
"""Where a channel names no limit of its own."""


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


class Fetching:
    """Does the `messaging.fetch_media` jobs."""

    def __init__(
        self,
        database: Database,
        library: Library,
        accounts: Accounts,
        channels: Mapping[ChannelKind, Channel],
        clock: Clock,
    ) -> None:
        self._database = database
        self._library = library
        self._accounts = accounts
        self._channels = channels
        self._clock = clock

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
        limit = channel.capabilities.media_limits.get(family, _LARGEST)
        content, _ = await channel.download(
            account, remote, limit=limit, timeout_s=_FETCH_TIMEOUT_S
        )
        kind = recognise(content)
        if kind is None:
            raise MediaTypeRefused
        return content, kind

    async def _keep(self, job: Job, media_id: MediaId, content: bytes, kind: FileType) -> None:
        stored_as = await self._library.store(job.workspace_id, media_id, content)
        async with self._database.workspace(job.workspace_id) as tx:
            await tx.execute(
                *SQL["arrived"](
                    workspace=tx.workspace_id,
                    media_id=media_id,
                    message_id=UUID(job.payload["message_id"]),
                    stored_as=stored_as,
                    **facts_of(kind, content),
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
