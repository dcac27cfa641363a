"""An engineer gives the bridge what the PBX wrote down, and tries a policy on the calls that were made."""

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from sandbox.client import Phone
from tests.journeys.story import deflection_of
from tests.journeys.terminal import Shown, command
from tests.product import LINE, WORKSPACE, Product

MOSCOW = ZoneInfo("Europe/Moscow")


async def in_workspace(product: Product, *words: str) -> Shown:
    return await command(product, *words, "--workspace", WORKSPACE)


async def test_the_pbxs_records_confirm_a_hang_up_once(
    product: Product, phone: Phone, tmp_path: Path
):
    call_id = f"{time.time():.0f}.77"
    answer = await product.deflect(phone.number, call_id=call_id)
    assert answer["action"] == "hangup"
    began = datetime.fromtimestamp(float(call_id.split(".", maxsplit=1)[0]), UTC).astimezone(MOSCOW)
    ended = datetime.now(MOSCOW) + timedelta(seconds=3)
    file = tmp_path / "Master.csv"
    file.write_text(
        f'"","{phone.number}","{LINE}","from-trunk","","PJSIP/trunk-1","","Playback","bye",'
        f'"{began:%F %T}","{began:%F %T}","{ended:%F %T}",5,5,"ANSWERED","DOCUMENTATION","{call_id}",""\n'
    )
    shown = await in_workspace(product, "calls", "import", str(file))
    assert (shown.status, shown.out.split()[:4]) == (0, ["1", "read", "Asterisk's", "Master.csv"])
    assert "hang-ups confirmed" in shown.out
    deflection = await deflection_of(product, phone)
    [row] = await product.rows(
        "SELECT array_agg(fact) AS facts FROM ivr_bridge.fact WHERE deflection_id = $1",
        deflection["deflection_id"],
    )
    assert row["facts"] == ["hangup_confirmed"]
    shown = await in_workspace(product, "calls", "import", str(file))
    assert shown.status == 0
    assert "Nothing new" in shown.out
    shown = await in_workspace(product, "calls", "import", str(file), "--undo")
    assert shown.status == 0
    assert "1  taken back" in shown.out
    assert not await product.rows(
        "SELECT FROM ivr_bridge.fact WHERE deflection_id = $1", deflection["deflection_id"]
    )


async def test_a_policy_is_tried_on_the_calls_that_were_made(
    product: Product, phone: Phone, tmp_path: Path
):
    request = {"call_id": "tried-1", "caller": phone.number, "line": LINE, "voice_wait_s": 20}
    async with product.post("/v1/eligibility", request) as asked:
        assert (await asked.json(content_type=None))["action"] == "offer"
    file = tmp_path / "candidate.yaml"
    file.write_text("policy: {peak: {voice_wait_s: 300}}\n")
    shown = await in_workspace(product, "policy", "replay", str(file), "--json")
    assert shown.status == 0
    told = json.loads(shown.out)["total"]
    assert told["newly_refused"]["below_peak"] >= 1
    assert told["offers_before"] - told["offers_after"] == sum(
        told["newly_refused"].values()
    ) - sum(told["newly_offered"].values())
    file.write_text("policy: {peak: {voice_weight: 300}}\n")
    shown = await in_workspace(product, "policy", "replay", str(file))
    assert shown.status == 1
    assert "voice_weight" in shown.beside
