"""An engineer at the terminal: `ivr-bridge …`, with the product's own settings."""

import asyncio
import os
import sys
from dataclasses import dataclass

from tests.product import ROOT, Product


@dataclass(frozen=True, slots=True)
class Shown:
    """What came of a command: its exit status, standard output, and what stood beside it."""

    status: int
    out: str
    beside: str


async def command(product: Product, *words: str) -> Shown:
    """Type this, and wait until it is done."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "config", *words,
        env={**os.environ, **product.web.variables}, cwd=ROOT,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    async with asyncio.timeout(60):
        out, beside = await process.communicate()
    assert process.returncode is not None
    return Shown(process.returncode, out.decode(), beside.decode())


async def printed(product: Product, *words: str) -> str:
    """The standard output of a command that must succeed."""
    shown = await command(product, *words)
    assert shown.status == 0, shown.beside
    return shown.out
