"""`POST /sms/{account}/messages`: takes one short message, as small providers do."""

import asyncio

from aiohttp import hdrs, web

from sandbox import numbers
from sandbox.accounts import Account
from sandbox.graph.sending import Sending
from sandbox.network import Network
from sandbox.outgoing import Outgoing
from sandbox.reading import parsed, text
from sandbox.sms.events import code_of
from sandbox.specs import Behaviour, Json, Manner
from sandbox.wire import Record, Wire

VALID_S = 48 * 3600.0
_SHORTEST, _LONGEST = 7, 15


class _Refused(Exception):
    """The message is not taken."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status, self.code = status, code


class SmsApi:
    """HTTP around the network, for accounts whose kind is `sms`."""

    def __init__(self, network: Network, wire: Wire, sending: Sending) -> None:
        self._network, self._wire, self._sending = network, wire, sending

    def routes(self) -> list[web.RouteDef]:
        """The one route."""
        return [web.post("/sms/{account}/messages", self.take)]

    async def take(self, request: web.Request) -> web.Response:
        """202 with the provider's id; an error says its code."""
        arrived = self._network.timeline.now()
        raw = await request.read()
        body = parsed(raw)
        to = "".join(letter for letter in str(body.get("to", "")) if letter.isdigit())
        record = self._wire.write(
            at=arrived,
            kind="sms",
            account=request.match_info["account"],
            method="POST",
            path=request.path,
            body=raw,
            to=f"+{numbers.person(to)}" if to else None,
            type_="text",
            tracker=text(body.get("reference")),
        )
        try:
            account = self._account(request)
            return await self._accept(request, account, to, body, record, arrived)
        except _Refused as refused:
            record.status = refused.status
            self._network.counters[f"sms.refused.{refused.code}"] += 1
            return web.json_response({"error": {"code": refused.code}}, status=refused.status)

    def _account(self, request: web.Request) -> Account:
        account = self._network.accounts.get(request.match_info["account"])
        if account is None or account.spec.kind != "sms":
            raise _Refused(404, "no_such_account")
        if request.headers.get(hdrs.AUTHORIZATION) != account.bearer:
            raise _Refused(401, "unauthorized")
        return account

    async def _accept(
        self,
        request: web.Request,
        account: Account,
        to: str,
        body: Json,
        record: Record,
        arrived: float,
    ) -> web.Response:
        words = body.get("text")
        if not _SHORTEST <= len(to) <= _LONGEST:
            raise _Refused(400, "invalid_number")
        if not isinstance(words, str) or not words:
            raise _Refused(400, "no_text")
        key = numbers.person(to)
        manner = self._network.sms_manner_for(key)
        if manner.behaviour is Behaviour.HELD:
            manner = await self._sending.hold(key, manner)
            arrived = self._network.timeline.now()
        _refuse_as_told(manner)
        message = Outgoing(
            wamid=self._network.new_id(key).replace("wamid.", "sms."),
            account=account.spec.phone_number_id,
            person=key,
            type="text",
            body={"text": {"body": words}},
            at=arrived,
            tracker=text(body.get("reference")),
            expires_at=arrived + VALID_S,
        )
        record.wamid = message.wamid
        self._network.accept(account, message, manner)
        if manner.behaviour is Behaviour.BREAKS:
            record.status = 0
            if request.transport:
                request.transport.abort()
            return web.Response(status=500)
        slow = manner.slow_ms if manner.behaviour is Behaviour.SLOW else 0
        wait = max(manner.accepted_ms, slow) / 1000
        await asyncio.sleep(max(0.0, arrived + wait - self._network.timeline.now()))
        record.status = 202
        return web.json_response({"id": message.wamid, "status": "accepted"}, status=202)


def _refuse_as_told(manner: Manner) -> None:
    if manner.behaviour is Behaviour.THROTTLED:
        raise _Refused(429, "throttled")
    if manner.behaviour is Behaviour.REFUSED:
        raise _Refused(400, code_of(manner.code or 131026))
