"""`POST /{version}/{phone_number_id}/messages`: the hot path, from raw bytes to a wamid."""

import asyncio
import contextlib
from dataclasses import dataclass
from typing import Any

from sandbox import numbers
from sandbox.accounts import Account
from sandbox.graph import messages, templates
from sandbox.graph.media import MediaShelf
from sandbox.graph.refusals import Refusal
from sandbox.network import Network
from sandbox.outgoing import Outgoing
from sandbox.reading import parsed, text
from sandbox.specs import Behaviour, Json, Manner
from sandbox.wire import Record, Wire

HOLD_S = 60.0
DEFAULT_TTL_S = 30 * 86_400.0


class Broken(Exception):
    """Accepted, but the connection ends without a reply."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """To whom, and how the product spelt it."""

    person: str
    given: str
    by_bsuid: bool


class Sending:
    """Takes what the product sends, as Meta would."""

    def __init__(self, network: Network, wire: Wire, media: MediaShelf) -> None:
        self._network, self._wire, self._media = network, wire, media
        self._held: dict[str, list[asyncio.Event]] = {}

    async def take(self, account_id: str, bearer: str, path: str, raw: bytes) -> Json:
        """The reply to one request; a Refusal or Broken is the other way to end."""
        arrived = self._network.timeline.now()
        body = parsed(raw)
        account = self._network.accounts.get(account_id)
        to = self._recipient(account, body)
        reading = body.get("status") == "read"
        type_ = None if reading else str(body.get("type", "text"))
        kind = "read" if reading else "opening" if type_ == "template" else "message"
        record = self._wire.write(
            at=arrived,
            kind=kind,
            account=account_id,
            method="POST",
            path=path,
            body=raw,
            to=f"+{to.person}" if to else None,
            type_=type_,
            tracker=text(body.get("biz_opaque_callback_data")),
        )
        try:
            known = self._authorised(account, account_id, bearer)
            if reading:
                reply = self._read(known, body)
            else:
                reply = await self._send(known, to, str(type_), body, record, arrived)
        except Refusal as refusal:
            record.status, record.code = refusal.http_status, refusal.code
            self._network.counters[f"refused.{refusal.code}"] += 1
            raise
        except Broken:
            record.status = 0
            raise
        record.status = 200
        return reply

    def release(self, key: str | None) -> int:
        """Let held requests go on: all, or those to one number."""
        keys = [key] if key else list(self._held)
        gates = [gate for one in keys for gate in self._held.pop(one, [])]
        for gate in gates:
            gate.set()
        return len(gates)

    async def hold(self, key: str, manner: Manner) -> Manner:
        """Wait until this number is released; how it behaves then."""
        gate = asyncio.Event()
        self._held.setdefault(key, []).append(gate)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(HOLD_S):
                await gate.wait()
        return manner.model_copy(update={"behaviour": manner.then, "accepted_ms": 0})

    # -- steps -------------------------------------------------------------------------------

    def _authorised(self, account: Account | None, account_id: str, bearer: str) -> Account:
        if account is not None and bearer == account.bearer:
            return account
        known = any(bearer == one.bearer for one in self._network.accounts.values())
        if not known:
            raise Refusal(190, "Invalid OAuth access token - Cannot parse access token")
        raise Refusal(33, f"Unsupported post request. Object with ID '{account_id}' does not exist")

    def _recipient(self, account: Account | None, body: Json) -> Recipient | None:
        to, user = body.get("to"), body.get("recipient")
        if account is None:
            return None
        if isinstance(to, str) and to:
            person = numbers.read(to, business=account.spec.display_number.lstrip("+"))
            return Recipient(person, to, by_bsuid=False) if person else None
        if isinstance(user, str) and user:
            for person in self._network.people:
                if numbers.bsuid(account.spec.waba_id, person) == user:
                    return Recipient(person, user, by_bsuid=True)
        return None

    def _read(self, account: Account, body: Json) -> Json:
        _product(body)
        wamid = messages.need(body, "message_id", "")
        typing = body.get("typing_indicator")
        if typing is not None and (not isinstance(typing, dict) or typing.get("type") != "text"):
            raise Refusal(131009, "typing_indicator.type must be text")
        if not self._network.business_read(account, str(wamid), typing=typing is not None):
            raise Refusal(131009, "message_id: no message from a customer has this id")
        return {"success": True}

    async def _send(
        self,
        account: Account,
        to: Recipient | None,
        type_: str,
        body: Json,
        record: Record,
        arrived: float,
    ) -> Json:
        _product(body)
        if not account.throughput.take(arrived):
            raise Refusal(130429, "Cloud API message throughput has been reached.")
        recipient = _checked_recipient(account, to, body)
        messages.check_envelope(body)
        manner = self._network.manner_for(recipient.person)
        if manner.behaviour is Behaviour.HELD:
            manner = await self.hold(recipient.person, manner)
            arrived = self._network.timeline.now()
        _refuse_as_told(manner)
        message = self._message(account, recipient.person, type_, body, arrived)
        open_ = type_ == "template" or account.window_open(
            recipient.person, self._network.timeline.now()
        )
        if not open_ and account.spec.window_errors == "sync":
            raise Refusal(131047, "More than 24 hours have passed since the recipient last replied")
        if not account.pair_allows(recipient.person, self._network.timeline.now()):
            raise Refusal(131056, "Too many messages to this number in a short time")
        record.wamid = message.wamid
        self._network.accept(account, message, manner, window_closed=not open_)
        if manner.behaviour is Behaviour.BREAKS:
            raise Broken
        slow = manner.slow_ms if manner.behaviour is Behaviour.SLOW else 0
        wait = max(manner.accepted_ms, slow) / 1000
        if wait:
            await asyncio.sleep(max(0.0, arrived + wait - self._network.timeline.now()))
        return _accepted(recipient, message.wamid)

    def _message(
        self, account: Account, key: str, type_: str, body: Json, arrived: float
    ) -> Outgoing:
        category, expires = "service", arrived + DEFAULT_TTL_S
        if type_ == "template":
            wanted = messages.block(body, "template")
            template = _template(account, wanted)
            templates.check(template, wanted.get("components"))
            category = template.category.lower()
            if template.message_send_ttl_seconds:
                expires = arrived + template.message_send_ttl_seconds
        else:
            messages.check(type_, body, lambda media_id: self._mime(account, media_id))
        return Outgoing(
            wamid=self._network.new_id(key),
            account=account.spec.phone_number_id,
            person=key,
            type=type_,
            body=body,
            at=arrived,
            tracker=text(body.get("biz_opaque_callback_data")),
            category=category,
            expires_at=expires,
        )

    def _mime(self, account: Account, media_id: str) -> str | None:
        medium = self._media.get(media_id)
        if medium is None or medium.account != account.spec.phone_number_id:
            return None
        return medium.mime


def _refuse_as_told(manner: Manner) -> None:
    if manner.behaviour is Behaviour.THROTTLED:
        raise Refusal(130429, "Cloud API message throughput has been reached.")
    if manner.behaviour is Behaviour.REFUSED:
        raise Refusal(manner.code or 131026, "This number was told to be refused.")


def _product(body: Json) -> None:
    if body.get("messaging_product") != "whatsapp":
        raise Refusal(100, "The parameter messaging_product is required.")


def _checked_recipient(account: Account, to: Recipient | None, body: Json) -> Recipient:
    if to is None:
        if not body.get("to") and not body.get("recipient"):
            raise Refusal(131008, "The parameter to is required.")
        if not body.get("to") and account.spec.bsuid == "off":
            raise Refusal(131062, "Business-scoped user IDs are not enabled for this account.")
        raise Refusal(131009, "to is not a valid phone number or user id")
    if to.by_bsuid and account.spec.bsuid == "off":
        raise Refusal(131062, "Business-scoped user IDs are not enabled for this account.")
    if to.person == numbers.key(account.spec.display_number):
        raise Refusal(131021, "Recipient and sender are the same number.")
    return to


def _template(account: Account, wanted: Json) -> Any:
    name = str(messages.need(wanted, "name", "template."))
    language = wanted.get("language")
    if not isinstance(language, dict) or not isinstance(language.get("code"), str):
        raise Refusal(131008, "The parameter template.language.code is required.")
    template = account.templates.get((name, language["code"]))
    if template is None:
        raise Refusal(132001, f"template name ({name}) does not exist in {language['code']}")
    return template


def _accepted(to: Recipient, wamid: str) -> Json:
    contact: Json = {"input": to.given}
    if to.by_bsuid:
        contact["user_id"] = to.given
    else:
        contact["wa_id"] = numbers.wa_id(to.person)
    return {
        "messaging_product": "whatsapp",
        "contacts": [contact],
        "messages": [{"id": wamid, "message_status": "accepted"}],
    }
