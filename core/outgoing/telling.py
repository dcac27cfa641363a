"""The one door for news: in the transition's own transaction, or not at all."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from core.clock import utc_now
from core.ids import new_id
from core.outgoing.endpoints import send_soon
from core.outgoing.sql import SQL
from core.postgres import Tx
from core.vocabulary import PhoneNumber

ALERT = "alert"
"""Something is wrong that a person should look at."""


@dataclass(frozen=True, slots=True)
class Listener:
    """An endpoint that is to hear of something."""

    endpoint_id: UUID
    with_caller: bool


async def tell(
    tx: Tx,
    type_: str,
    data: Mapping[str, Any],
    *,
    key: str | None = None,
    caller: PhoneNumber | None = None,
    meant_for: str | None = None,
    at: datetime | None = None,
) -> int:
    """Put the news on its way to whoever listens; answers to how many.

    `data` holds ids and plain values: no message text, no number. `key` names the event, so that
    telling it twice is telling it once. `caller` goes only to endpoints that ask for it, and to the
    one (by name) that the event is `meant_for`.
    """
    found = await tx.fetch(
        *SQL["listeners"](workspace=tx.workspace_id, type=type_, meant_for=meant_for)
    )
    listeners = [Listener(**row) for row in found]
    if not listeners:
        return 0
    event = {"type": type_, "timestamp": _rfc3339(at or utc_now())}
    named = {"caller": None if caller is None else caller.e164}
    bodies = {
        with_caller: json.dumps(
            {**event, "data": {**data, **(named if with_caller else {})}},
            ensure_ascii=False,
            separators=(",", ":"),
        )
        for with_caller in (True, False)
    }
    rows = await tx.fetch(
        *SQL["put_deliveries"](
            workspace=tx.workspace_id,
            type=type_,
            event_key=f"{type_}:{key or new_id()}",
            deliveries=[new_id() for _ in listeners],
            endpoints=[listener.endpoint_id for listener in listeners],
            bodies=[bodies[listener.with_caller] for listener in listeners],
        )
    )
    for row in sorted(rows, key=lambda each: each["endpoint_id"]):
        await send_soon(tx, row["endpoint_id"])
    return len(rows)


def _rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
