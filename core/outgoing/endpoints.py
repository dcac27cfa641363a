"""Where news goes: addresses with their secrets, made so by the workspace file."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core.faults import NotFound
from core.ids import new_id
from core.jobs import NewJob, enqueue
from core.outgoing.sql import SQL
from core.postgres import Tx
from core.sealing import Sealer

PUMP = "core.webhook_pump"
TIDY = "core.webhook_tidy"
BAND = "outgoing"


class EndpointUnknown(NotFound, code="endpoint_unknown"):
    """There is no webhook endpoint with this name."""


@dataclass(frozen=True, slots=True)
class EndpointDraft:
    """An endpoint as a workspace file describes it."""

    name: str
    url: str
    events: Sequence[str]
    secret: str
    secret_previous: str | None = None
    private: bool = False
    include_caller: bool = False

    @property
    def secrets(self) -> dict[str, str]:
        """What is sealed. Both sign while the receiver changes from one to the other."""
        kept = {"secret": self.secret}
        if self.secret_previous:
            kept["secret_previous"] = self.secret_previous
        return kept


@dataclass(frozen=True, slots=True)
class EndpointRow:
    """An endpoint as it is stored."""

    endpoint_id: UUID
    name: str
    url: str
    events: Sequence[str]
    private: bool
    include_caller: bool
    sealed: bytes
    failures: int
    paused_at: datetime | None


async def put_endpoints(tx: Tx, sealer: Sealer, drafts: Sequence[EndpointDraft]) -> None:
    """These endpoints and no others; one that is as wanted is not touched."""
    await tx.execute(
        *SQL["drop_endpoints"](workspace=tx.workspace_id, names=[draft.name for draft in drafts])
    )
    for draft in drafts:
        row = await tx.fetchrow(*SQL["endpoint_named"](workspace=tx.workspace_id, name=draft.name))
        if row is not None and _same(EndpointRow(**row), sealer, draft):
            continue
        endpoint_id = await tx.fetchval(
            *SQL["put_endpoint"](
                workspace=tx.workspace_id,
                endpoint=new_id(),
                name=draft.name,
                url=draft.url,
                events=list(draft.events),
                private=draft.private,
                include_caller=draft.include_caller,
                sealed=sealer.seal(draft.secrets),
            )
        )
        await send_soon(tx, endpoint_id)
    if drafts:
        await enqueue(tx, tidying(delay_s=60))


async def resume(tx: Tx, name: str, *, also_given_up: bool = False) -> int:
    """Try a paused endpoint again; answers how many given-up deliveries live anew.

    Raises EndpointUnknown.
    """
    row = await tx.fetchrow(*SQL["endpoint_named"](workspace=tx.workspace_id, name=name))
    if row is None:
        raise EndpointUnknown
    which = {"workspace": tx.workspace_id, "endpoint": row["endpoint_id"]}
    await tx.execute(*SQL["resume"](**which))
    revived = await tx.fetch(*SQL["revive"](**which)) if also_given_up else []
    await tx.execute(*SQL["all_due_now"](**which, refused_too=True))
    await send_soon(tx, row["endpoint_id"])
    return len(revived)


async def send_soon(tx: Tx, endpoint_id: UUID, due_at: datetime | None = None) -> None:
    """Have an endpoint served, now or at that time: one job an endpoint, so none delays another."""
    await enqueue(
        tx,
        NewJob(
            PUMP,
            {"endpoint_id": str(endpoint_id)},
            band=BAND,
            lane=f"webhook:{endpoint_id}",
            key=str(endpoint_id),
            due_at=due_at,
        ),
    )


def tidying(*, delay_s: float) -> NewJob:
    """One waits at any time in each workspace that has endpoints."""
    return NewJob(TIDY, {}, band=BAND, key="tidy", delay_s=delay_s)


def _same(row: EndpointRow, sealer: Sealer, draft: EndpointDraft) -> bool:
    if (row.url, list(row.events), row.private, row.include_caller) != (
        draft.url,
        list(draft.events),
        draft.private,
        draft.include_caller,
    ):
        return False
    try:
        return sealer.open(row.sealed) == draft.secrets
    except ValueError:
        return False
