"""The secrets by which a line's platform signs: sealed in the database, remembered for two seconds."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.ids import LineId, WorkspaceId
from core.postgres import Database, Tx
from core.queries import load
from core.sealing import Sealer
from ivr_bridge.dialects.signatures import Signer

SQL = load(Path(__file__).with_name("secrets.sql"))

_REMEMBERED_S = 2.0
_NAME = "secret"

Secrets = Mapping[Signer, Sequence[str]]
"""By signer; two live at once while one takes the other's place."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """One secret as it is stored."""

    line_id: LineId
    signer: str
    position: int
    sealed: bytes


async def put_secrets(tx: Tx, sealer: Sealer, line_id: LineId, wanted: Secrets) -> None:
    """Make these the line's secrets; one that is there already is not touched."""
    known = (await _read(tx, sealer)).get(line_id, {})
    for signer in Signer:
        secrets, had = list(wanted.get(signer, ())), list(known.get(signer, ()))
        for position, secret in enumerate(secrets, start=1):
            if had[position - 1 : position] != [secret]:
                await tx.execute(
                    *SQL["put_secret"](
                        workspace=tx.workspace_id,
                        line=line_id,
                        signer=signer.value,
                        position=position,
                        sealed=sealer.seal({_NAME: secret}),
                    )
                )
        await tx.execute(
            *SQL["drop_secrets"](
                workspace=tx.workspace_id, line=line_id, signer=signer.value, kept=len(secrets)
            )
        )


class LineSecrets:
    """Find a line's secrets. A secret that was taken away is good for at most two seconds more."""

    def __init__(self, database: Database, sealer: Sealer) -> None:
        self._database = database
        self._sealer = sealer
        self._remembered: dict[WorkspaceId, tuple[float, Mapping[LineId, Secrets]]] = {}
        self._reading: dict[WorkspaceId, asyncio.Lock] = {}

    async def of(self, workspace_id: WorkspaceId, line_id: LineId) -> Secrets:
        """This line's; empty when its platform signs nothing."""
        # One request reads, the others that came meanwhile wait for what it finds.
        async with self._reading.setdefault(workspace_id, asyncio.Lock()):
            until, known = self._remembered.get(workspace_id, (0.0, {}))
            if until <= time.monotonic():
                async with self._database.workspace(workspace_id, read_only=True) as tx:
                    known = await _read(tx, self._sealer)
                self._remembered[workspace_id] = (time.monotonic() + _REMEMBERED_S, known)
        return known.get(line_id, {})


async def _read(tx: Tx, sealer: Sealer) -> Mapping[LineId, Secrets]:
    found: dict[LineId, dict[Signer, list[str]]] = {}
    for row in await tx.fetch(*SQL["secrets"](workspace=tx.workspace_id)):
        sealed = Sealed(**row)
        of_line = found.setdefault(sealed.line_id, {})
        of_line.setdefault(Signer(sealed.signer), []).append(sealer.open(sealed.sealed)[_NAME])
    return found
