"""Who did what, kept beside the change itself."""

from collections.abc import Mapping
from typing import Any

from core.access.sql import SQL
from core.ids import new_id
from core.postgres import Tx


async def note(
    tx: Tx,
    *,
    action: str,
    actor_kind: str,
    actor_id: str | None,
    subject: str | None = None,
    facts: Mapping[str, Any] | None = None,
) -> None:
    """Write one line of the audit trail in the change's own transaction; no texts, no numbers."""
    await tx.execute(
        *SQL["audit"](
            workspace=tx.workspace_id,
            audit=new_id(),
            actor_kind=actor_kind,
            actor_id=actor_id,
            action=action,
            subject=subject,
            facts=dict(facts or {}),
        )
    )
