"""Putting jobs in and taking them back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from core.ids import JobId, WorkspaceId, new_id
from core.postgres import Tx, to_json
from core.queries import load

SQL = load(Path(__file__).with_name("jobs.sql"))


@dataclass(frozen=True, slots=True)
class NewJob:
    """Work to be done later, in the words of the room that will do it."""

    kind: str
    payload: Mapping[str, Any]
    band: str = "normal"
    lane: str | None = None
    key: str | None = None
    delay_s: float = 0.0
    due_at: datetime | None = None
    job_id: UUID = field(default_factory=new_id)


@dataclass(frozen=True, slots=True)
class Job:
    """A job in a worker's hands, with the fence that proves it."""

    workspace_id: WorkspaceId
    job_id: JobId
    kind: str
    lane: str | None
    payload: Mapping[str, Any]
    attempt: int
    fence: int
    created_at: datetime


async def enqueue(tx: Tx, job: NewJob) -> None:
    """Put one job in; it exists if, and only if, the transaction commits."""
    await enqueue_many(tx, [job])


async def enqueue_many(tx: Tx, jobs: Sequence[NewJob]) -> None:
    """Put several in with one statement. Two with the same kind and key must not stand in one call."""
    if not jobs:
        return
    await tx.execute(*SQL["enqueue"](**enqueued(tx.workspace_id, jobs)))
    tx.wake(*{f"jobs:{job.band}" for job in jobs if job.due_at is None and job.delay_s <= 0})


def enqueued(workspace_id: WorkspaceId, jobs: Sequence[NewJob]) -> dict[str, Any]:
    """The values of `enqueue`, for a statement that puts jobs in beside its own work."""
    return {
        "workspace": workspace_id,
        "job_ids": [job.job_id for job in jobs],
        "bands": [job.band for job in jobs],
        "kinds": [job.kind for job in jobs],
        "lanes": [job.lane for job in jobs],
        "keys": [job.key for job in jobs],
        "payloads": [to_json(job.payload) for job in jobs],
        "due_ats": [job.due_at for job in jobs],
        "delays_s": [job.delay_s for job in jobs],
    }


async def cancel(tx: Tx, kind: str, key: str) -> None:
    """Take back what waits under this key; what runs already must see for itself that it is late."""
    await tx.execute(*SQL["cancel"](workspace=tx.workspace_id, kind=kind, key=key))
