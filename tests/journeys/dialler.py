"""A company's dialler beside the running product: an endpoint of its workspace, named by its line."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from config.rooms import rooms
from config.settings import Settings
from config.workspaces.apply import apply
from config.workspaces.model import WorkspaceFile
from config.workspaces.parts import WebhookPart
from config.workspaces.reading import read
from ivr_bridge.returns.terms import ReturnTerms
from tests.fakes.crm import SECRET, Crm, crm
from tests.product import WORKSPACE_FILE, Product


@asynccontextmanager
async def dialler(product: Product, *events: str, **terms: Any) -> AsyncIterator[Crm]:
    """It listens to these events besides the returns of the line, which has these terms meanwhile."""
    kept = read(WORKSPACE_FILE, product.web.variables)
    async with crm() as system:
        wanted = WebhookPart.model_validate(
            {
                "name": "dialler",
                "url": system.url,
                "secret": SECRET,
                "events": events,
                "private": True,
            }
        )
        back = ReturnTerms.model_validate({"webhook": "dialler", "queue": "callbacks", **terms})
        lines = [line.model_copy(update={"return_to_voice": back}) for line in kept.lines]
        await _apply(product, kept.model_copy(update={"webhooks": [wanted], "lines": lines}))
        try:
            yield system
        finally:
            await _apply(product, kept)


async def _apply(product: Product, file: WorkspaceFile) -> None:
    settings = Settings.model_validate(product.web.variables)
    async with rooms(settings, application="test", pool_size=2) as opened:
        await apply(opened, file, WORKSPACE_FILE.parent)
