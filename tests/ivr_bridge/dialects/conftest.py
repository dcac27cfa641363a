"""Platforms as they call us: what they sign, what they send, and what they make of the answer."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

import pytest
from twilio.request_validator import RequestValidator

from ivr_bridge.dialects.secrets import put_secrets
from ivr_bridge.dialects.signatures import Signer, jambonz_signature
from tests.ivr_bridge.conftest import CALLER, LINE, House, Told

ONWARD = "https://pbx.example/queue?a=1&b=2"
"""Where a line says that its calls go on."""
TOKEN, OLD_TOKEN, WEBHOOK_SECRET = "twilio-token-1", "twilio-token-0", "jambonz-secret"
PUBLIC = "http://127.0.0.1"
"""What the house calls itself; the port that it listens on is its proxy's business."""


@dataclass(frozen=True, slots=True)
class Platform:
    """A platform that signs, and does what the document says."""

    house: House

    async def twilio(self, path: str, *, token: str = TOKEN, **form: str) -> Told:
        """A webhook as Twilio sends it."""
        fields = {
            "AccountSid": "AC0", "ApiVersion": "2010-04-01", "CallSid": "CA1", "CallStatus": "in-progress",
            "Called": LINE, "Caller": CALLER, "Direction": "inbound", "From": CALLER, "To": LINE, **form,
        }  # fmt: skip
        signature = RequestValidator(token).compute_signature(PUBLIC + path, fields)
        return await self._post(
            path,
            urlencode(fields).encode(),
            {
                "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
                "X-Twilio-Signature": signature,
            },
        )

    async def jambonz(
        self, path: str, *, secret: str = WEBHOOK_SECRET, ago_s: int = 0, **told: Any
    ) -> Told:
        """A webhook as jambonz sends it; without what is None."""
        fields = {
            "call_sid": "jb-1", "direction": "inbound", "from": CALLER[1:], "to": LINE[1:],
            "call_id": "sip-call-id", "call_status": "in-progress", "account_sid": "a", **told,
        }  # fmt: skip
        body = json.dumps({name: one for name, one in fields.items() if one is not None}).encode()
        moment = int(time.time()) - ago_s
        return await self._post(
            path,
            body,
            {
                "Content-Type": "application/json",
                "Jambonz-Signature": f"t={moment},v1={jambonz_signature(body, moment, secret)}",
            },
        )

    async def _post(self, path: str, body: bytes, headers: Mapping[str, str]) -> Told:
        self.house.ivr.key = None
        return await self.house.ivr.post(
            path, raw=body, **{name.replace("-", "_"): value for name, value in headers.items()}
        )


@pytest.fixture
async def platform(house: House) -> Platform:
    """The line of the tests, with its platforms' secrets."""
    async with house.database.workspace(house.workspace_id) as tx:
        line_id = await tx.fetchval("SELECT line_id FROM ivr_bridge.line")
        await put_secrets(
            tx,
            house.sealer,
            line_id,
            {Signer.TWILIO: [TOKEN, OLD_TOKEN], Signer.JAMBONZ: [WEBHOOK_SECRET]},
        )
    return Platform(house)


def verbs(told: Told) -> Sequence[str]:
    """The verbs of a document, in the order in which they are met."""
    if told.headers["Content-Type"].startswith("application/json"):
        return [verb["verb"] for verb in json.loads(told.body)]
    return [element.tag.rpartition("}")[2] for element in ET.fromstring(told.body).iter()][1:]


def attribute(told: Told, verb: str, name: str) -> str:
    """An attribute of the first verb of this name."""
    for element in ET.fromstring(told.body).iter():
        if element.tag.rpartition("}")[2] == verb:
            return element.attrib[name]
    raise AssertionError(f"there is no {verb}")
