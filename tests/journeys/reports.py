"""What the manager's page asks for."""

from datetime import datetime
from zoneinfo import ZoneInfo

from tests.journeys.desk import Desk, Json


async def voice_to_chat(manager: Desk) -> Json:
    """Today's total."""
    total: Json = (await today(manager, "voice-to-chat", "&group_by=day"))["total"]
    return total


async def deflections(manager: Desk) -> list[Json]:
    """Today's rows, each a deflection."""
    rows: list[Json] = (await today(manager, "deflections"))["rows"]
    return rows


async def today(manager: Desk, name: str, more: str = "") -> Json:
    day = datetime.now(ZoneInfo("Europe/Moscow")).date().isoformat()
    return await manager.ask("GET", f"/v1/reports/{name}?from={day}&to={day}{more}")
