"""IVR platforms as far as a caller notices: they ask over HTTP, do what the document says, and sign."""

import json
import secrets
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar
from urllib.parse import urlencode, urljoin
from xml.etree import ElementTree as ET
from xml.etree.ElementTree import Element

import aiohttp
from twilio.request_validator import RequestValidator

from ivr_bridge.dialects.signatures import jambonz_signature

VXML = "{http://www.w3.org/2001/vxml}"


@dataclass(slots=True)
class Call:
    """A caller on a platform, with the keys they will press, one a question."""

    http: aiohttp.ClientSession
    base_url: str
    line: str
    caller: str
    keys: list[str] = field(default_factory=list)
    secret: str = ""
    call_id: str = field(default_factory=lambda: f"C{secrets.token_hex(8)}")
    heard: list[str] = field(default_factory=list)
    ended: str = ""
    """`hangup`, or where the call went on: an address, a number, or nowhere in particular."""

    start: ClassVar[str] = ""

    async def dial(self) -> str:
        """Call the line, and how that ended."""
        address = self.base_url + self.start
        for _ in range(20):
            told = await self.ask(address)
            following = await self.perform(told)
            if following is None:
                return self.ended
            address = urljoin(address, following)
            if not address.startswith(self.base_url):
                self.ended = address
                return self.ended
        raise AssertionError("the call goes round in circles")

    async def ask(self, address: str) -> bytes:
        raise NotImplementedError

    async def perform(self, told: bytes) -> str | None:
        """Do what the document says; the next address to ask, or None at the end."""
        raise NotImplementedError

    async def send(self, address: str, body: bytes, headers: Mapping[str, str]) -> bytes:
        async with self.http.post(address, data=body, headers=headers) as answer:
            content = await answer.read()
            assert answer.headers["Content-Length"] == str(len(content))
            assert answer.status == 200 or "hangup" not in content.decode().lower()
            return content

    def key(self) -> str | None:
        return self.keys.pop(0) if self.keys else None


@dataclass(slots=True)
class Twilio(Call):
    """Form posts with X-Twilio-Signature; TwiML."""

    pressed: str | None = None
    start: ClassVar[str] = "/v1/l/demo/eligibility?format=twiml&language=ru"

    async def ask(self, address: str) -> bytes:
        form = {"CallSid": self.call_id, "From": self.caller, "To": self.line, "Direction": "inbound",
                "CallStatus": "in-progress", "AccountSid": "AC1"}  # fmt: skip
        if self.pressed is not None:
            form["Digits"], self.pressed = self.pressed, None
        signature = RequestValidator(self.secret).compute_signature(address, form)
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Twilio-Signature": signature,
        }
        return await self.send(address, urlencode(form).encode(), headers)

    async def perform(self, told: bytes) -> str | None:
        for verb in ET.fromstring(told):
            match verb.tag:
                case "Say" | "Play":
                    self.heard.append(verb.text or "")
                case "Gather":
                    self.heard += [said.text or "" for said in verb]
                    self.pressed = self.key()
                    if self.pressed is not None:
                        return verb.attrib["action"]
                case "Redirect":
                    return verb.text
                case "Hangup":
                    self.ended = "hangup"
                    return None
                case "Dial":
                    self.ended = verb[0].text or ""
                    return None
        return None


@dataclass(slots=True)
class Jambonz(Call):
    """JSON posts with Jambonz-Signature; arrays of verbs. The hook of a gather is called on silence too."""

    gathered: dict[str, str] = field(default_factory=dict)
    start: ClassVar[str] = "/v1/l/demo/eligibility?format=jambonz&language=ru"

    async def ask(self, address: str) -> bytes:
        payload = {"call_sid": self.call_id, "from": self.caller.lstrip("+"), "to": self.line,
                   "call_id": f"sip-{self.call_id}", "direction": "inbound", **self.gathered}  # fmt: skip
        self.gathered = {}
        body, moment = json.dumps(payload).encode(), int(time.time())
        signature = jambonz_signature(body, moment, self.secret)
        headers = {
            "Content-Type": "application/json",
            "Jambonz-Signature": f"t={moment},v1={signature}",
        }
        return await self.send(address, body, headers)

    async def perform(self, told: bytes) -> str | None:
        for verb in json.loads(told):
            match verb["verb"]:
                case "say":
                    self.heard.append(verb["text"])
                case "gather":
                    self.heard.append(verb["say"]["text"])
                    key = self.key()
                    self.gathered = (
                        {"reason": "timeout"}
                        if key is None
                        else {"reason": "dtmfDetected", "digits": key}
                    )
                    return str(verb["actionHook"])
                case "redirect":
                    return str(verb["actionHook"])
                case "hangup":
                    self.ended = "hangup"
                    return None
        return None


@dataclass(slots=True)
class VoiceXml(Call):
    """A browser: it submits what the document names; the key stands in the address."""

    told: dict[str, str] = field(default_factory=dict)
    start: ClassVar[str] = "/eligibility?format=vxml&language=ru"

    def __post_init__(self) -> None:
        self.base_url += f"/v1/k/{self.secret}"
        self.told = {"call_id": self.call_id, "caller": self.caller, "line": self.line}

    async def ask(self, address: str) -> bytes:
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return await self.send(address, urlencode(self.told).encode(), headers)

    async def perform(self, told: bytes) -> str | None:
        page = ET.fromstring(told)
        values = {
            variable.attrib["name"]: json.loads(variable.attrib["expr"].replace("'", '"'))
            for variable in page.findall(f"{VXML}var")
        }
        forms = {form.get("id", ""): form for form in page.findall(f"{VXML}form")}
        steps = _steps(next(iter(forms.values())))
        for step in steps:
            match step.tag.removeprefix(VXML):
                case "prompt":
                    self.heard.append(step.text or "")
                case "field":
                    key = self.key()
                    if key not in {"1", "2"}:
                        steps = _steps(forms["onward"])
                        return self._leave(next(steps))
                    values["digits"] = key
                case "submit":
                    names = (step.get("namelist") or "").split()
                    self.told = {name: values[name] for name in names}
                    return step.attrib["next"]
                case "goto" if step.attrib["next"] == "#onward":
                    return self._leave(next(_steps(forms["onward"])))
                case "disconnect":
                    self.ended = "hangup"
                    return None
                case "goto" | "return":
                    return self._leave(step)
        return None

    def _leave(self, step: Element) -> str | None:
        return step.get("next")


def _steps(form: Element) -> Iterator[Element]:
    """What a form does, in order; what happens on errors is left out."""
    for child in form:
        name = child.tag.removeprefix(VXML)
        if name in {"catch", "noinput", "nomatch", "grammar"}:
            continue
        if name == "field":
            yield from (each for each in child if each.tag == f"{VXML}prompt")
            yield child
            yield from next(each for each in child if each.tag == f"{VXML}filled")
        elif name == "block":
            yield from child


@dataclass(slots=True)
class Httapi(Call):
    """mod_httapi: forms with the caller's profile, and the address that the last `action` named."""

    pressed: str | None = None
    start: ClassVar[str] = "/v1/eligibility?format=httapi&language=ru"

    async def ask(self, address: str) -> bytes:
        form = {
            "session_id": self.call_id, "hostname": "pbx", "Caller-Direction": "inbound",
            "Caller-Caller-ID-Number": self.caller, "Caller-Destination-Number": self.line,
        }  # fmt: skip
        if self.pressed is not None:
            form["digits"], self.pressed = self.pressed, None
        headers = {"Authorization": aiohttp.encode_basic_auth("pbx", self.secret)}
        return await self.send(address, urlencode(form).encode(), headers)

    async def perform(self, told: bytes) -> str | None:
        work: Any = ET.fromstring(told).find("work")
        following: str | None = None
        for verb in work:
            following = verb.get("action", following)
            match verb.tag:
                case "playback":
                    self.heard.append(verb.attrib["file"])
                    if verb.find("bind") is not None:
                        self.pressed = self.key()
                case "hangup":
                    self.ended = "hangup"
                    return None
                case "break":
                    return None
        return following
