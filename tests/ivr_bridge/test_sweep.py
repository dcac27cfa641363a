"""What calls wait for is looked at ten times a second, whatever became of the last look."""

import asyncio

import asyncpg
from structlog.testing import capture_logs

from core.ids import WorkspaceId
from core.postgres import Database
from core.vocabulary import PhoneNumber
from core.wake import Signal
from ivr_bridge.sweep import Sweep
from messaging import openings
from messaging.accounts import Accounts
from messaging.content import Content, ContentType
from messaging.openings import OpeningDraft
from tests.ivr_bridge.conftest import CALLER, House


async def opened(house: House) -> openings.Opening:
    account = await Accounts(house.database, house.sealer).find(house.workspace_id, "whatsapp")
    draft = OpeningDraft(PhoneNumber(CALLER), account, Content(ContentType.TEXT, text="Hello"))
    async with house.database.workspace(house.workspace_id) as tx:
        return await openings.prepare(tx, draft)


async def moves(database: Database, workspace_id: WorkspaceId) -> None:
    async with database.workspace(workspace_id) as tx:
        await tx.execute(
            "UPDATE messaging.message SET status = 'accepted', provider_id = 'wamid.1', leased_until = NULL"
        )


async def test_it_goes_on_after_any_error_of_the_database(house: House, database_url: str):
    message_id = (await opened(house)).message_id
    signal = Signal()
    sweep = Sweep(house.database)
    running = asyncio.ensure_future(sweep.run())
    owner = await asyncpg.connect(database_url)
    try:
        with sweep.watching(house.workspace_id, message_id, signal, fresh=True):
            await owner.execute("REVOKE SELECT ON messaging.message FROM ivr_bridge_service")
            async with asyncio.timeout(10):
                with capture_logs() as said:
                    while not said:
                        await owner.execute("SELECT 1")
            await owner.execute("GRANT SELECT ON messaging.message TO ivr_bridge_service")
            assert said[0]["error"] == "InsufficientPrivilegeError"
            await moves(house.database, house.workspace_id)
            assert await signal.wait(5)
    finally:
        await owner.close()
        running.cancel()
