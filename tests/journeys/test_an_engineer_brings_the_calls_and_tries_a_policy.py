"""An engineer gives the bridge what the PBX wrote down, and tries a policy on the calls that were made."""

import asyncio
import json
import os
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from sandbox.client import Phone
from tests.journeys.story import deflection_of
from tests.product import LINE, ROOT, WORKSPACE, Product

MOSCOW = ZoneInfo("Europe/Moscow")


async def command(product: Product, *words: str) -> tuple[int, str]:
    """What an engineer types, and what they read."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "config", *words, "--workspace", WORKSPACE,
        env={**os.environ, **product.web.variables}, cwd=ROOT,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    said, complained = await process.communicate()
    assert process.returncode is not None
    return process.returncode, said.decode() + complained.decode()


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
    status, said = await command(product, "calls", "import", str(file))
    assert (status, said.split()[:4]) == (0, ["1", "read", "Asterisk's", "Master.csv"])
    assert "hang-ups confirmed" in said
    deflection = await deflection_of(product, phone)
    [row] = await product.rows(
        "SELECT array_agg(fact) AS facts FROM ivr_bridge.fact WHERE deflection_id = $1",
        deflection["deflection_id"],
    )
    assert row["facts"] == ["hangup_confirmed"]
    status, said = await command(product, "calls", "import", str(file))
    assert status == 0
    assert "Nothing new" in said
    status, said = await command(product, "calls", "import", str(file), "--undo")
    assert status == 0
    assert "1  taken back" in said
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
    status, said = await command(product, "policy", "replay", str(file), "--json")
    assert status == 0
    told = json.loads(said)["total"]
    assert told["newly_refused"]["below_peak"] >= 1
    assert told["offers_before"] - told["offers_after"] == sum(
        told["newly_refused"].values()
    ) - sum(told["newly_offered"].values())
    file.write_text("policy: {peak: {voice_weight: 300}}\n")
    status, said = await command(product, "policy", "replay", str(file))
    assert status == 1
    assert "voice_weight" in said
