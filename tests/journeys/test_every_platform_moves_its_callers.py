"""One product, four platforms and a status: the offer, the key, the message, and the way on."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from ruamel.yaml import YAML

from sandbox.client import Phone
from tests.fakes.platforms import Call, Httapi, Jambonz, Twilio, VoiceXml
from tests.product import ACCOUNT, ROOT, WORKSPACE_FILE, Product

NUMBER = "+78002500777"
KEY = "ib_key-of-the-platforms-line"
TOKEN, SECRET = "twilio-auth-token-1", "jambonz-webhook-secret"
ONWARD = "https://pbx.example/queue"
SECRETS: dict[type[Call], str] = {Twilio: TOKEN, Jambonz: SECRET, VoiceXml: KEY, Httapi: KEY}

Dials = Callable[..., Call]


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def line(shared_product: Product, tmp_path_factory: pytest.TempPathFactory) -> Product:
    """A second line, put there as its owner would: in the workspace file, secrets from outside."""
    yaml = YAML()
    file = yaml.load(WORKSPACE_FILE.read_text())
    for flow in file["flows"]:
        flow["file"] = str((WORKSPACE_FILE.parent / flow["file"]).resolve())
    main = next(each for each in file["lines"] if each["name"] == "main")
    file["lines"].append(
        {**main, "name": "platforms", "numbers": [NUMBER], "key": KEY, "grace_ms": 100,
         "continue_to": ONWARD, "dialects": {"path_key": True, "get_form": True},
         "signing": {"twilio": ["${TWILIO}"], "jambonz": ["${JAMBONZ}"]}}
    )  # fmt: skip
    path: Path = tmp_path_factory.mktemp("workspace") / "workspace.yaml"
    yaml.dump(file, path)
    outside = {**os.environ, **shared_product.web.variables, "TWILIO": TOKEN, "JAMBONZ": SECRET}
    applied = subprocess.run(
        [sys.executable, "-m", "config", "apply", str(path)],
        env=outside, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert applied.returncode == 0, applied.stdout + applied.stderr
    assert TOKEN not in applied.stdout
    return shared_product


@pytest.fixture
def dials(line: Product, product: Product) -> Dials:
    """A caller on a platform."""

    def dial(platform: type[Call], phone: Phone, *keys: str, secret: str | None = None) -> Call:
        return platform(
            http=product.http,
            base_url=product.base_url,
            line=NUMBER,
            caller=phone.number,
            keys=list(keys),
            secret=SECRETS[platform] if secret is None else secret,
        )

    return dial


@pytest.mark.parametrize("platform", list(SECRETS))
async def test_one_moves_the_caller(
    product: Product, phone: Phone, dials: Dials, platform: type[Call]
):
    call = dials(platform, phone, "1")
    assert await call.dial() == "hangup"
    await phone.wait_for(ACCOUNT, lambda message: message["kind"] == "template")
    assert await product.sandbox.openings(phone.number) == 1
    assert "WhatsApp" in call.heard[0]
    assert "до свидания" in call.heard[-1]
    # The platform asks again, as after a lost answer: the same one, and no second message.
    call.keys = ["1"]
    await call.dial()
    assert await product.sandbox.openings(phone.number) == 1


@pytest.mark.parametrize("platform", list(SECRETS))
async def test_who_is_not_on_whatsapp_goes_on_where_the_line_says(
    product: Product, phone: Phone, dials: Dials, platform: type[Call]
):
    await product.sandbox.behave(phone.number, "not_on_whatsapp")
    call = dials(platform, phone, "1")
    assert await call.dial() == ONWARD
    assert "Не получилось" in call.heard[-1]


@pytest.mark.parametrize("platform", list(SECRETS))
async def test_two_is_remembered_and_silence_is_not(
    product: Product, a_phone: Callable[[], Phone], dials: Dials, platform: type[Call]
):
    silent = a_phone()
    assert await dials(platform, silent).dial() == ONWARD
    asked_again = dials(platform, silent, "2")
    assert await asked_again.dial() == ONWARD
    assert len(asked_again.heard) == 1, "the offer was made again"
    left_alone = dials(platform, silent, "1")
    assert await left_alone.dial() == ONWARD
    assert left_alone.heard == [], "No was said"
    assert await product.sandbox.openings(silent.number) == 0


@pytest.mark.parametrize("platform", list(SECRETS))
async def test_a_wrong_signature_or_key_moves_nobody(
    product: Product, phone: Phone, dials: Dials, platform: type[Call]
):
    call = dials(platform, phone, "1", secret="ib_this-is-not-the-secret")
    # Who signs is known by the line, which says where its callers go on.
    assert await call.dial() == (ONWARD if platform in {Twilio, Jambonz} else "")
    assert call.heard == []
    assert await product.sandbox.openings(phone.number) == 0
    known = "SELECT count(*) FROM ivr_bridge.call WHERE call_id = $1 OR caller = $2"
    assert (await product.rows(known, call.call_id, phone.number))[0][0] == 0


async def test_a_platform_that_branches_on_the_status_gets_one(
    product: Product, line: Product, a_phone: Callable[[], Phone]
):
    reachable, missing = a_phone(), a_phone()
    await product.sandbox.behave(missing.number, "not_on_whatsapp")
    for phone, status in ((reachable, 200), (missing, 302)):
        query = {"CallSid": f"ex-{phone.number}", "CallFrom": phone.number, "CallTo": NUMBER,
                 "digits": '"1"', "branch": "status"}  # fmt: skip
        async with product.http.get(
            product.base_url + "/v1/deflections",
            params=query,
            headers={"Authorization": aiohttp.encode_basic_auth("exotel", KEY)},
            allow_redirects=False,
        ) as answer:
            assert answer.status == status
            assert answer.headers.get("Location") == (None if status == 200 else ONWARD)


async def test_neither_keys_nor_numbers_are_written_down(product: Product, line: Product):
    """After everything above: keys in paths, numbers in a GET's address, secrets in the file."""
    async with product.http.get(product.metrics_url) as response:
        figures = await response.text()
    assert 'path="/v1/k/{key}/deflections"' in figures
    logs = product.web.log.read_text()
    numbers = {row["caller"] for row in await product.rows("SELECT caller FROM ivr_bridge.call")}
    assert len(numbers) > 5
    for secret in {KEY, TOKEN, SECRET} | {number[1:] for number in numbers if number}:
        assert secret not in logs
        assert secret not in figures
