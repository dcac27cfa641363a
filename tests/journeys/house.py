"""The product that journeys run through, and how the next one finds it empty."""

import itertools
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from sandbox.client import Phone
from tests.conftest import Servers, fresh_database
from tests.product import WORKSPACE_FILE, Product, running_product

_NUMBERS = itertools.count(79_260_000_001)

# What a journey leaves behind would be held out to the operators of the next one.
_TIDY = (
    """UPDATE handoff.conversation
          SET state = 'closed', closed_at = now(), closed_reason = 'over', operator_id = NULL,
              reserved_until = NULL, wrapup_until = NULL, epoch = epoch + 1
        WHERE state NOT IN ('closed', 'abandoned')""",
    """UPDATE handoff.reservation SET status = 'rescinded', settled_at = now()
        WHERE status = 'pending'""",
    """UPDATE handoff.operator_state
          SET load = 0, misses = 0, not_responding = false, declared = 'offline'""",
    # The service learns from these how fast its provider is; some journeys have a slow one.
    "DELETE FROM messaging.delivery",
    "DELETE FROM ivr_bridge.account_pace",
)


@asynccontextmanager
async def running(
    servers: Servers, template: str, folder: Path, *, workspace: Path = WORKSPACE_FILE
) -> AsyncIterator[Product]:
    async with (
        fresh_database(servers, template) as database_url,
        running_product(database_url, servers.redis_url, folder, workspace=workspace) as product,
    ):
        yield product


async def tidy(product: Product) -> None:
    """Nobody is at the desk, and nothing is open."""
    for statement in _TIDY:
        await product.rows(statement)


def changed_workspace(folder: Path, changes: Mapping[str, str]) -> Path:
    """The demo workspace with other words in some places."""
    text = WORKSPACE_FILE.read_text().replace("../flows/", f"{WORKSPACE_FILE.parents[1]}/flows/")
    for old, new in changes.items():
        assert old in text, old
        text = text.replace(old, new, 1)
    path = folder / "workspace.yaml"
    path.write_text(text)
    return path


def new_phone(product: Product) -> Phone:
    """A phone that nobody used before, reachable on WhatsApp."""
    return product.sandbox.phone(f"+{next(_NUMBERS)}")
