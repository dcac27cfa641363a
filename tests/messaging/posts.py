"""What a provider posts to us, and the opening that it reports on."""

import io

from messaging import openings
from messaging.openings import OpeningDraft
from tests.fakes import cloud_api
from tests.messaging.conftest import CALLER, OPENING, House

PATH = "/webhooks/demo/whatsapp"
SECRET = "s3cret"


async def post(client, body: bytes, *, path: str = PATH, signature: str | None = None):
    headers = {"X-Hub-Signature-256": signature or cloud_api.signature(SECRET, body)}
    return await client.post(path, data=io.BytesIO(body), headers=headers)


def text(words: str, number: int = 1, sender: str = "79005550101") -> dict[str, object]:
    return cloud_api.message("text", {"body": words}, id=f"wamid.IN{number}", **{"from": sender})


async def sending(house: House):
    async with house.database.workspace(house.workspace_id) as tx:
        return await openings.prepare(tx, OpeningDraft(CALLER, house.account, OPENING))


def status(opening, word: str) -> bytes:
    return cloud_api.webhook(
        statuses=[
            {
                "id": "wamid.OUT1",
                "status": word,
                "timestamp": "1763769600",
                "recipient_id": "79161234567",
                "biz_opaque_callback_data": str(opening.message_id),
            }
        ]
    )


async def standing(house: House, opening):
    async with house.database.workspace(house.workspace_id) as tx:
        return await openings.state(tx, opening.message_id)


async def rows_of(house: House) -> int:
    """How many rows there are of anything that came."""
    tables = ("inbox", "seen", "message", "contact", "unmatched_status")
    counts = [await house.value(f"SELECT count(*) FROM messaging.{table}") for table in tables]
    jobs = "SELECT count(*) FROM core.job WHERE kind <> 'messaging.sweep'"
    return int(sum(counts) + await house.value(jobs))
