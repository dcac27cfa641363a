"""A single message in a transaction that somebody else owns: may it go out, and who pays for it?"""

from core.ids import LineId
from core.postgres import Tx
from ivr_bridge.guard.budget import LeaseRow
from ivr_bridge.guard.sql import SQL
from ivr_bridge.guard.standing import StandingRow, standing
from ivr_bridge.guard.terms import BudgetTerms


async def stopped(tx: Tx, line_id: LineId, account: str) -> bool:
    """Is everything, this line or this channel paused? Then nothing goes out by itself."""
    found = await tx.fetchval(
        *SQL["stopped"](workspace=tx.workspace_id, line=line_id, account=account)
    )
    return bool(found)


async def charge_one(tx: Tx, line_id: LineId, terms: BudgetTerms) -> bool:
    """May one more paid message go out for this line? The place is taken when the caller commits."""
    row = await tx.fetchrow(*SQL["standing"](workspace=tx.workspace_id))
    assert row is not None, "lines stand in a workspace"  # noqa: S101
    caps = standing(StandingRow(**row)).caps(line_id, terms)
    if not caps:
        return True
    scopes = [cap.scope for cap in caps]
    await tx.execute(*SQL["open_budgets"](workspace=tx.workspace_id, scopes=scopes))
    granted = await tx.fetchrow(
        *SQL["lease_places"](
            workspace=tx.workspace_id,
            scopes=scopes,
            hour_caps=[cap.hour for cap in caps],
            day_caps=[cap.day for cap in caps],
            wanted=1,
        )
    )
    return granted is not None and LeaseRow(**granted).places > 0
