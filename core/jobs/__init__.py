"""Durable work in PostgreSQL: put in by a transition's own transaction, done by a worker later.

A job is leased, never owned: a dead worker's job is claimed again when the lease runs out, and what
the dead one still writes is refused by the fence. Jobs of one lane run one at a time in order.
"""

from core.jobs.store import Job, NewJob, cancel, enqueue, enqueue_many
from core.jobs.worker import (
    Band,
    Bury,
    Endless,
    Handler,
    LeaseLost,
    Snooze,
    Worker,
    finish,
    transactional,
)

__all__ = [
    "Band",
    "Bury",
    "Endless",
    "Handler",
    "Job",
    "LeaseLost",
    "NewJob",
    "Snooze",
    "Worker",
    "cancel",
    "enqueue",
    "enqueue_many",
    "finish",
    "transactional",
]
