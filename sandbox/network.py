"""The pretend network: accounts, people, what was accepted, and the statuses that follow."""

import base64
import hashlib
from collections import Counter, OrderedDict
from typing import Protocol

import aiohttp

from sandbox import limits, numbers
from sandbox.accounts import Account
from sandbox.behaviours import Step, plan
from sandbox.graph import events as whatsapp
from sandbox.outgoing import Outgoing
from sandbox.people import Person
from sandbox.postman import Postman
from sandbox.sms import events as sms
from sandbox.specs import AccountSpec, Behaviour, Json, Manner, NumberChange
from sandbox.timeline import Timeline

FREE_SERVICE_MESSAGES = 1000
REMEMBERED = 200_000


class Observer(Protocol):
    """Who wants to know what the network did: the customer's phone."""

    def told(self, message: Outgoing, status: str) -> None:
        """A status came about (and was sent to the product)."""

    def wrote(self, account: str, person: str, message: Json) -> None:
        """A customer's message went to the product, whoever made it."""

    def business_read(self, account: str, person: str, wamid: str, *, typing: bool) -> None:
        """The business read up to this message, and perhaps types."""


class Network:
    """Everything the messenger knows. No I/O of its own but the postmen's."""

    def __init__(self, timeline: Timeline, session: aiohttp.ClientSession, seed: str) -> None:
        self.timeline = timeline
        self.accounts: dict[str, Account] = {}
        self.people: dict[str, Person] = {}
        self.default = Manner()
        self.counters: Counter[str] = Counter()
        self.messages: OrderedDict[str, Outgoing] = OrderedDict()
        self.inbound_of: OrderedDict[str, tuple[str, str]] = OrderedDict()
        self.observers: list[Observer] = []
        self._session, self._seed, self._made = session, seed, 0
        self._last_to: dict[str, str] = {}
        self._windows: dict[str, dict[str, float]] = {}

    # -- set-up ------------------------------------------------------------------------------

    def register(self, spec: AccountSpec) -> Account:
        """Add or replace an account; its windows and undelivered webhooks stay."""
        known = self.accounts.get(spec.phone_number_id)
        postman = known.postman if known else Postman(spec, self._session, self.timeline)
        postman.account = spec
        account = Account(
            spec=spec,
            postman=postman,
            bearer=f"Bearer {spec.token}",
            throughput=limits.throughput(spec.mps, self.timeline.now()),
            windows=known.windows if known else dict(self._windows.get(spec.phone_number_id, {})),
            templates={(t.name, t.language): t for t in spec.templates},
        )
        self.accounts[spec.phone_number_id] = account
        return account

    def change(self, number: str, change: NumberChange) -> Person:
        """Tell a phone how to behave from now on."""
        person = self.person(numbers.key(number))
        told = change.model_dump(exclude_none=True)
        name, online = told.pop("name", None), told.pop("online", None)
        person.sms = told.pop("sms", person.sms)
        if "behaviour" in told:
            told.setdefault("times", None)
            person.sends = 0
            if online is None:
                online = change.behaviour is not Behaviour.OFFLINE
        person.manner = person.manner.model_copy(update=told)
        person.named = True
        person.name = name or person.name
        if online is not None:
            self.set_online(person, online=online)
        return person

    def person(self, key: str) -> Person:
        """The phone with this number; made on first sight."""
        known = self.people.get(key)
        if known is None:
            offline = self.default.behaviour is Behaviour.OFFLINE
            known = Person(key, f"+{key}", self.default, online=not offline)
            self.people[key] = known
        return known

    def set_online(self, person: Person, *, online: bool) -> None:
        """A phone that comes online gets what waited, unless its time ran out."""
        person.online = online
        if online:
            waiting, person.pending = person.pending, []
            for message in waiting:
                self._deliver(person, message)

    def remember_windows(self, windows: dict[str, dict[str, float]]) -> None:
        """Windows from before a restart, for accounts registered now or later."""
        self._windows = windows
        for account in self.accounts.values():
            account.windows.update(windows.get(account.spec.phone_number_id, {}))

    # -- from the product --------------------------------------------------------------------

    def manner_for(self, key: str) -> Manner:
        """How this number treats the message that just came; counts towards `times`."""
        person = self.people.get(key)
        if person is None:
            if self.default.behaviour is Behaviour.SILENT:
                return self.default
            person = self.person(key)
        person.sends += 1
        manner = person.manner
        if manner.times is not None and person.sends > manner.times:
            manner = manner.model_copy(update={"behaviour": manner.then, "times": None})
            person.manner = manner
        return manner

    def sms_manner_for(self, key: str) -> Manner:
        """How this number treats an SMS: its own timing, and what it was told about SMS."""
        person = self.person(key)
        return person.manner.model_copy(update={"behaviour": person.sms, "times": None})

    def new_id(self, key: str) -> str:
        """A wamid: opaque, unique, and the same again under the same seed."""
        self._made += 1
        mark = hashlib.blake2b(f"{self._seed}:{self._made}".encode(), digest_size=9).hexdigest()
        raw = b"\x1c" + bytes([len(key)]) + key.encode() + b"\x15\x02\x00\x11\x18\x12"
        return "wamid." + base64.b64encode(raw + mark.encode().upper() + b"\x00").decode()

    def accept(
        self,
        account: Account,
        message: Outgoing,
        manner: Manner,
        *,
        window_closed: bool = False,
    ) -> None:
        """Take responsibility for a message: remember it and let its statuses happen."""
        self.counters["accepted"] += 1
        if manner.behaviour is Behaviour.SILENT:
            return
        if message.category == "service":
            account.service_messages += 1
            message.free = account.service_messages <= FREE_SERVICE_MESSAGES
        self._remember(message)
        steps = plan(manner)
        if window_closed:
            steps = (Step(manner.failed_ms / 1000, "failed", 131047),)
        factor = self._jitter(message.wamid, manner)
        for step in steps:
            self._schedule(message, step, factor)

    def report(
        self, message: Outgoing, status: str, code: int | None = None, copies: int | None = None
    ) -> None:
        """Send one status to the product, as often as this number's manner says."""
        account = self.accounts.get(message.account)
        if account is None:
            return
        person, now = self.person(message.person), self.timeline.now()
        if account.spec.kind == "sms":
            if status == "read":
                return  # nobody is told whether a short message was read
            value = sms.report(message, status, at=now, code=code)
        else:
            value = whatsapp.status_value(
                account.spec, message, status, at=now, name=person.name, code=code
            )
        message.statuses.append(status)
        self.counters[f"status.{status}"] += 1
        account.postman.post(value, copies=copies or self._copies(person))
        for observer in self.observers:
            observer.told(message, status)

    def business_read(self, account: Account, wamid: str, *, typing: bool) -> bool:
        """The business marks a customer's message as read; False if there is no such message."""
        owner, key = self.inbound_of.get(wamid, ("", ""))
        if owner != account.spec.phone_number_id:
            return False
        for observer in self.observers:
            observer.business_read(owner, key, wamid, typing=typing)
        return True

    def last_message_to(self, key: str) -> Outgoing | None:
        """The latest message accepted for a number."""
        return self.messages.get(self._last_to.get(key, ""))

    # -- from the customer -------------------------------------------------------------------

    def inbound(self, account: Account, key: str, message: Json, copies: int | None = None) -> str:
        """A customer's message: opens the 24-hour window and goes to the product."""
        now = self.timeline.now()
        person = self.person(key)
        full = {"id": self.new_id(key), "timestamp": str(int(now)), **message}
        wamid = str(full["id"])
        account.windows[key] = now
        account.throughput.take(now)
        self.inbound_of[wamid] = (account.spec.phone_number_id, key)
        if len(self.inbound_of) > REMEMBERED:
            self.inbound_of.popitem(last=False)
        self.counters["inbound"] += 1
        if account.spec.kind == "sms":
            value = sms.answer(account.spec, key, full)
        else:
            value = whatsapp.message_value(account.spec, key, person.name, full)
        account.postman.post(value, copies=copies or self._copies(person))
        for observer in self.observers:
            observer.wrote(account.spec.phone_number_id, key, full)
        return wamid

    def reset(self) -> None:
        """Forget people, messages, windows and counters; accounts and the default stay."""
        self.timeline.clear()
        for known in (self.people, self.messages, self.inbound_of, self._last_to, self.counters):
            known.clear()
        for account in self.accounts.values():
            account.forget(self.timeline.now())

    # -- inside ------------------------------------------------------------------------------

    def _remember(self, message: Outgoing) -> None:
        self.messages[message.wamid] = message
        self._last_to[message.person] = message.wamid
        if len(self.messages) > REMEMBERED:
            self.messages.popitem(last=False)

    def _schedule(self, message: Outgoing, step: Step, factor: float) -> None:
        wait = message.at + step.after_s * factor - self.timeline.now()
        self.timeline.after(max(0.0, wait), lambda: self._happen(message, step))

    def _happen(self, message: Outgoing, step: Step) -> None:
        if step.status == "delivered":
            self._deliver(self.person(message.person), message)
        else:
            self.report(message, step.status, step.code)

    def _deliver(self, person: Person, message: Outgoing) -> None:
        if message.expires_at is not None and self.timeline.now() >= message.expires_at:
            self.counters["expired"] += 1  # Meta: no status tells of it, "assume dropped"
        elif person.online:
            self.report(message, "delivered")
        else:
            person.pending.append(message)

    def _copies(self, person: Person) -> int:
        manner = person.manner
        return manner.copies if manner.behaviour is Behaviour.DUPLICATES else 1

    def _jitter(self, wamid: str, manner: Manner) -> float:
        if not manner.jitter:
            return 1.0
        byte = hashlib.blake2b(f"{self._seed}:{wamid}".encode(), digest_size=1).digest()[0]
        return 1.0 + manner.jitter * (byte / 127.5 - 1.0)
