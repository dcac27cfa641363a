"""The hint that something may be placed now."""

from core.jobs import NewJob, enqueue
from core.postgres import Tx

PLACE = "handoff.place"


async def place_soon(tx: Tx, *, delay_s: float = 0.0) -> None:
    """Have waiting conversations matched with free hands; many hints make one job."""
    await enqueue(tx, NewJob(PLACE, {}, band="urgent", key="all", delay_s=delay_s))
