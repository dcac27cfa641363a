"""An attempt goes on elsewhere: everything that is asked before its second opening is written down."""

from uuid import UUID

from core.ids import LineId
from ivr_bridge.guard.terms import BudgetTerms
from ivr_bridge.means import Means
from ivr_bridge.race import Race, too_late
from ivr_bridge.ways.second import Second, begin_second


async def go_on_elsewhere(means: Means, race: Race) -> Second | None:
    """The second opening of a race whose first one certainly failed; None when none may follow."""
    planned = race.fallback
    if planned is None or too_late(race):
        return None
    ready = await means.readiness.account(race.workspace_id, planned["account"], planned["queue"])
    if ready is None or ready.silent:
        return None
    if not await means.admission.admits(ready.account, means.channels[ready.account.kind]):
        return None
    line_id, terms = LineId(UUID(planned["line"])), BudgetTerms(**planned["budget"])
    named = ready.account.name
    place = await means.guard.one_more(race.workspace_id, line_id, terms, account=named)
    if place is None:
        return None
    async with means.database.workspace(race.workspace_id) as tx:
        second = await begin_second(tx, race, ready, means.clock())
    if second is None:
        # Too late for it, or somebody else let it follow: an error would leave that in doubt.
        place.give_back()
    return second
