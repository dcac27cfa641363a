"""*Not me*: the person we wrote to says that nobody asked for it. Too many of them end an account."""

import structlog
from prometheus_client import Counter

from core.ids import DeflectionId
from core.postgres import Tx
from ivr_bridge.store import SQL

log = structlog.get_logger()

COMPLAINTS = Counter(
    "ivr_bridge_complaints_total", "Openings answered with *Not me*", ["line", "template"]
)


async def complained(tx: Tx, deflection_id: DeflectionId) -> None:
    """Count it against the line whose caller this was said to be, and the template it came with."""
    row = await tx.fetchrow(*SQL["complained"](workspace=tx.workspace_id, deflection=deflection_id))
    if row is None:
        return
    COMPLAINTS.labels(row["line"], row["template"] or "none").inc()
    log.warning(
        "opening.complained",
        deflection_id=str(deflection_id),
        line=row["line"],
        template=row["template"],
    )
