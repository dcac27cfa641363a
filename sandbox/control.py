"""`/sandbox/…`: what a judge sets, counts and sets off."""

from collections.abc import Callable
from typing import Any

from aiohttp import web

from sandbox import numbers
from sandbox.accounts import Account
from sandbox.graph.events import metadata
from sandbox.graph.sending import Sending
from sandbox.http import Do, answer, read, read_object
from sandbox.network import Network
from sandbox.orders import ClockMove, Event, Inbound, Numbers, Status, Target
from sandbox.specs import AccountSpec, Config, Json, Manner, NumberChange
from sandbox.wire import Wire

Apply = Callable[[Config], None]
FLUSH_S = 10.0
WAIT_MAX_S = 60.0


class Control:
    """The judge's desk."""

    def __init__(
        self,
        network: Network,
        wire: Wire,
        sending: Sending,
        *,
        apply: Apply,
        reset: Callable[[], None],
    ) -> None:
        self._network, self._wire, self._sending = network, wire, sending
        self._apply, self._reset = apply, reset

    def routes(self) -> list[web.RouteDef]:
        """All routes under /sandbox."""
        handlers: list[tuple[str, str, Do]] = [
            ("GET", "/health", self.health),
            ("PUT", "/config", self.configure),
            ("GET", "/accounts", self.accounts),
            ("PUT", "/accounts/{id}", self.account),
            ("GET", "/numbers", self.numbers),
            ("PUT", "/numbers", self.name),
            ("PUT", "/numbers/{number}", self.behave),
            ("PUT", "/default", self.default),
            ("GET", "/wire", self.wire),
            ("GET", "/wire/counts", self.counts),
            ("POST", "/release", self.release),
            ("POST", "/statuses", self.status),
            ("POST", "/events", self.event),
            ("POST", "/inbound", self.inbound),
            ("GET", "/webhooks", self.webhooks),
            ("POST", "/webhooks/verify", self.verify),
            ("POST", "/webhooks/pause", self.pause),
            ("POST", "/webhooks/resume", self.resume),
            ("POST", "/webhooks/flush", self.flush),
            ("POST", "/clock", self.clock),
            ("GET", "/counters", self.counters),
            ("POST", "/reset", self.reset),
        ]
        return [web.route(verb, "/sandbox" + path, answer(do)) for verb, path, do in handlers]

    # -- set up ------------------------------------------------------------------------------

    async def health(self, _: web.Request) -> Json:
        """The process answers."""
        return {"ok": True}

    async def configure(self, request: web.Request) -> Json:
        """Add and replace accounts, lines, numbers and the default."""
        self._apply(await read(request, Config))
        return {"accounts": sorted(self._network.accounts)}

    async def account(self, request: web.Request) -> Json:
        """Add or replace one account."""
        body = await read_object(request)
        wanted = {**body, "phone_number_id": request.match_info["id"]}
        spec = AccountSpec.model_validate(wanted)
        self._network.register(spec)
        return {"account": spec.phone_number_id}

    async def accounts(self, _: web.Request) -> Json:
        """All accounts, secrets included: everything here is pretend."""
        return {"accounts": [one.spec.model_dump() for one in self._network.accounts.values()]}

    async def numbers(self, _: web.Request) -> Json:
        """The named phones."""
        named = [person for person in self._network.people.values() if person.named]
        return {"numbers": [person.shown() for person in named]}

    async def name(self, request: web.Request) -> Json:
        """Name several phones."""
        body = await read(request, Numbers)
        self._apply(Config(numbers=body.numbers))
        return {"named": len(body.numbers)}

    async def behave(self, request: web.Request) -> Json:
        """Tell one phone how to behave."""
        change = await read(request, NumberChange)
        return self._network.change(request.match_info["number"], change).shown()

    async def default(self, request: web.Request) -> Json:
        """How numbers behave that nobody named."""
        self._network.default = await read(request, Manner)
        for person in self._network.people.values():
            if not person.named:
                person.manner = self._network.default
        return self._network.default.model_dump()

    # -- judge -------------------------------------------------------------------------------

    async def wire(self, request: web.Request) -> Json:
        """What reached the wire."""
        query = request.query
        to = f"+{numbers.key(query['to'])}" if query.get("to") else None
        since, kind = _number(query, "since", 0), query.get("kind")
        limit = _number(query, "limit", 1000)
        wait = min(WAIT_MAX_S, _number(query, "wait_ms", 0) / 1000)
        if wait:
            found = await self._wire.wait(to=to, since=since, kind=kind, limit=limit, seconds=wait)
        else:
            found = self._wire.find(to=to, since=since, kind=kind, limit=limit)
        return {"requests": [record.view() for record in found], "last": self._wire.last}

    async def counts(self, request: web.Request) -> Json:
        """How many requests of a kind each number got."""
        counts = self._wire.counts(request.query.get("kind", "opening"))
        return {"counts": counts, "total": sum(counts.values())}

    async def counters(self, _: web.Request) -> Json:
        """What the network did in all."""
        return {"counters": dict(self._network.counters), "webhooks": self._webhooks()}

    # -- set off -----------------------------------------------------------------------------

    async def release(self, request: web.Request) -> Json:
        """Let held requests go on."""
        target = await read(request, Target)
        return {"released": self._sending.release(numbers.key(target.to) if target.to else None)}

    async def status(self, request: web.Request) -> Json:
        """Send one status now."""
        wanted = await read(request, Status)
        message = (
            self._network.messages.get(wanted.wamid)
            if wanted.wamid
            else self._network.last_message_to(numbers.key(wanted.to or ""))
        )
        if message is None:
            raise web.HTTPNotFound(text="no such message (silent numbers keep none)")
        self._network.report(message, wanted.status, wanted.code, wanted.copies)
        return {"wamid": message.wamid}

    async def event(self, request: web.Request) -> Json:
        """Send any value, for types the phone cannot make."""
        wanted = await read(request, Event)
        account = self._account(wanted.account)
        about = {"messaging_product": "whatsapp", "metadata": metadata(account.spec)}
        value = {**about, **wanted.value}
        account.postman.post(value, field=wanted.field, copies=wanted.copies)
        return {"queued": wanted.copies}

    async def inbound(self, request: web.Request) -> Json:
        """A customer's message of any type."""
        wanted = await read(request, Inbound)
        account = self._account(wanted.account)
        key = numbers.key(wanted.sender)
        return {"id": self._network.inbound(account, key, wanted.message, wanted.copies)}

    async def clock(self, request: web.Request) -> Json:
        """Move the sandbox's clock."""
        self._network.timeline.advance((await read(request, ClockMove)).advance_s)
        return {"now": self._network.timeline.now()}

    async def reset(self, _: web.Request) -> Json:
        """Begin anew; accounts, lines and the default stay."""
        self._reset()
        return {"ok": True}

    # -- webhooks ----------------------------------------------------------------------------

    async def webhooks(self, _: web.Request) -> Json:
        """How delivery stands."""
        return self._webhooks()

    async def verify(self, request: web.Request) -> Json:
        """Do the handshake."""
        body = await read_object(request)
        ok, status, text = await self._account(str(body.get("account"))).postman.verify()
        return {"ok": ok, "status": status, "body": text}

    async def pause(self, _: web.Request) -> Json:
        """Stop delivering."""
        for account in self._network.accounts.values():
            account.postman.pause()
        return self._webhooks()

    async def resume(self, _: web.Request) -> Json:
        """Deliver again."""
        for account in self._network.accounts.values():
            account.postman.resume()
        return self._webhooks()

    async def flush(self, _: web.Request) -> Json:
        """Retry now what waits, and answer when nothing is left, or after ten seconds."""
        for account in self._network.accounts.values():
            await account.postman.flush(FLUSH_S)
        return self._webhooks()

    def _webhooks(self) -> Json:
        postmen = [account.postman for account in self._network.accounts.values()]
        return {
            "paused": any(postman.paused for postman in postmen),
            "undelivered": sum(postman.undelivered for postman in postmen),
            "in_flight": sum(postman.in_flight for postman in postmen),
            "delivered": sum(postman.round.delivered for postman in postmen),
            "attempts": sum(postman.round.attempts for postman in postmen),
            "abandoned": sum(postman.round.abandoned for postman in postmen),
            "unrouted": sum(postman.round.unrouted for postman in postmen),
            "last_error": next((p.round.last_error for p in postmen if p.round.last_error), None),
        }

    def _account(self, wanted: str) -> Account:
        account = self._network.accounts.get(wanted)
        if account is None:
            raise web.HTTPNotFound(text=f"no account {wanted}")
        return account


def _number(query: Any, name: str, default: int) -> int:
    try:
        return int(query.get(name, default))
    except ValueError:
        raise web.HTTPBadRequest(text=f"{name} must be a number") from None
