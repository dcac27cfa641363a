"""From a transition to the work it causes, without the lower room knowing the upper one.

`config/wiring` subscribes job kinds to event names; whoever makes the transition publishes it in
the same transaction, and the jobs exist exactly when the transition does.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

from core.jobs.store import NewJob, enqueue_many
from core.postgres import Tx

MakeJob = Callable[[Mapping[str, Any]], NewJob | None]


class Events:
    """Which jobs follow which transition."""

    def __init__(self) -> None:
        self._subscriptions: dict[str, list[MakeJob]] = defaultdict(list)

    def subscribe(self, event: str, make: MakeJob) -> None:
        """Whenever `event` happens, `make` says which job it causes (or none)."""
        self._subscriptions[event].append(make)

    async def publish(self, tx: Tx, event: str, facts: Mapping[str, Any]) -> None:
        """Put in the jobs that were subscribed, in the transition's own transaction."""
        await self.publish_many(tx, event, [facts])

    async def publish_many(self, tx: Tx, event: str, many: list[Mapping[str, Any]]) -> None:
        """The same for several transitions of one kind."""
        makers = self._subscriptions.get(event, ())
        jobs = [job for make in makers for facts in many if (job := make(facts)) is not None]
        unique = {(job.kind, job.key or str(job.job_id)): job for job in jobs}
        await enqueue_many(tx, list(unique.values()))
