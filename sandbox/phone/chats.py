"""The messenger on each customer's phone: what arrived, what was written, what was read."""

from dataclasses import dataclass, field
from typing import Any

from sandbox.graph.media import MediaShelf
from sandbox.network import Network
from sandbox.outgoing import Outgoing
from sandbox.phone import view
from sandbox.phone.feed import Feed
from sandbox.specs import Json, TemplateSpec

KEPT = 300
TYPING_S = 25.0


class Impossible(Exception):
    """The phone cannot do that now."""


@dataclass(slots=True)
class Bubble:
    """One message on the screen."""

    id: str
    mine: bool
    at: float
    seen: Json
    read: bool = False
    reaction: str | None = None

    def shown(self) -> Json:
        """The bubble as JSON."""
        return {
            "id": self.id,
            "mine": self.mine,
            "at": self.at,
            "read": self.read,
            "reaction": self.reaction,
            **self.seen,
        }


@dataclass(slots=True)
class Chat:
    """One business on one phone."""

    account: str
    person: str
    bubbles: dict[str, Bubble] = field(default_factory=dict)
    open: bool = False
    while_shown: bool = False
    typing_until: float = 0.0

    @property
    def unread(self) -> int:
        """Messages of the business that the customer has not seen."""
        return sum(not bubble.mine and not bubble.read for bubble in self.bubbles.values())


class Chats:
    """Observes the network from the customers' side."""

    def __init__(self, network: Network, media: MediaShelf) -> None:
        self.feed = Feed()
        self._network, self._media = network, media
        self._chats: dict[tuple[str, str], Chat] = {}
        network.observers.append(self)

    # -- what the network tells ----------------------------------------------------------------

    def told(self, message: Outgoing, status: str) -> None:
        """A message arrives on the phone when it is delivered, not before."""
        if status not in {"delivered", "read"} or message.account not in self._network.accounts:
            return
        chat = self.chat(message.account, message.person)
        chat.typing_until = 0.0
        known = chat.bubbles.get(message.wamid)
        if known is None:
            known = self._arrive(chat, message)
        if status == "read" and known:
            known.read = True
        if known:
            self._tell(chat, known)
        if chat.open:
            self._see(chat)

    def wrote(self, account: str, person: str, message: Json) -> None:
        """The customer's own message, whoever sent it for them."""
        chat = self.chat(account, person)
        wamid = str(message["id"])
        if message.get("type") == "reaction":
            self._react(chat, message.get("reaction") or {})
            return
        seen = view.own(message)
        self._add(chat, Bubble(wamid, mine=True, at=self._network.timeline.now(), seen=seen))

    def business_read(self, account: str, person: str, wamid: str, *, typing: bool) -> None:
        """Blue ticks up to this message; dots while the business types."""
        chat = self.chat(account, person)
        for bubble in chat.bubbles.values():
            if bubble.mine and not bubble.read:
                bubble.read = True
                self._tell(chat, bubble)
            if bubble.id == wamid:
                break
        if typing:
            chat.typing_until = self._network.timeline.now() + TYPING_S
            self._network.timeline.after(TYPING_S, lambda: self._tell(chat))
        self._tell(chat)

    # -- what the customer does ----------------------------------------------------------------

    def open(self, person: str, account: str, *, open_: bool, while_shown: bool = False) -> Chat:
        """Look at a chat, or look away; looking reads. A page's look ends with the page."""
        chat = self.chat(account, person)
        chat.open, chat.while_shown = open_, while_shown
        if open_:
            self._see(chat)
        self._tell(chat)
        return chat

    def write(self, person: str, account: str, message: Json, reply_to: str | None = None) -> str:
        """Send a message to the business."""
        if account not in self._network.accounts:
            raise Impossible("there is no such business")
        if not self._network.person(person).online:
            raise Impossible("the phone is offline")
        if self._network.accounts[account].spec.kind == "sms":
            if message.get("type") != "text":
                raise Impossible("an SMS is text only")
            reply_to = None
        if reply_to:
            message = {**message, "context": self._context(account, person, reply_to)}
        return self._network.inbound(self._network.accounts[account], person, message)

    def tap(self, person: str, account: str, message_id: str, wanted: str) -> str:
        """Tap a button or choose a list row."""
        bubble = self.chat(account, person).bubbles.get(message_id)
        reply = view.tapped(bubble.seen, wanted) if bubble else None
        if reply is None:
            raise Impossible("there is no such button")
        return self.write(person, account, reply, reply_to=message_id)

    def send_file(
        self, person: str, account: str, *, mime: str, content: bytes, name: str, caption: str
    ) -> str:
        """Send a picture or another file."""
        kind = mime.partition("/")[0]
        if kind not in {"image", "audio", "video"} or mime == "image/svg+xml":
            kind = "document"
        medium = self._media.keep(account, mime, content, name)
        part: Json = {"id": medium.id, "mime_type": mime, "sha256": medium.sha256}
        if caption:
            part["caption"] = caption
        if kind == "document":
            part["filename"] = name
        if kind == "audio":
            part["voice"] = False
        return self.write(person, account, {"type": kind, kind: part})

    # -- what a page shows ---------------------------------------------------------------------

    def chat(self, account: str, person: str) -> Chat:
        """The chat of a phone with a business, empty at first."""
        return self._chats.setdefault((account, person), Chat(account, person))

    def of(self, person: str) -> list[Json]:
        """All chats on a phone, with their bubbles."""
        return [
            {**self._head(chat), "messages": [one.shown() for one in chat.bubbles.values()]}
            for chat in self._chats.values()
            if chat.person == person
        ]

    def all(self) -> list[Chat]:
        """Every chat (for keeping over a restart)."""
        return list(self._chats.values())

    def reset(self) -> None:
        """Empty all phones."""
        people = {chat.person for chat in self._chats.values()}
        self._chats.clear()
        for person in people:
            self.feed.tell(person, {"type": "reset"})

    # -- inside --------------------------------------------------------------------------------

    def _arrive(self, chat: Chat, message: Outgoing) -> Bubble | None:
        if message.type == "reaction":
            self._react(chat, message.body["reaction"])
            return None
        seen = view.view(message.type, message.body, self._finder(chat.account))
        bubble = Bubble(message.wamid, mine=False, at=self._network.timeline.now(), seen=seen)
        self._add(chat, bubble)
        return bubble

    def _finder(self, account: str) -> view.FindTemplate:
        def find(name: str, language: str) -> TemplateSpec | None:
            return self._network.accounts[account].templates.get((name, language))

        return find

    def _react(self, chat: Chat, reaction: Json) -> None:
        target = chat.bubbles.get(str(reaction.get("message_id")))
        if target:
            target.reaction = reaction.get("emoji") or None
            self._tell(chat, target)

    def _add(self, chat: Chat, bubble: Bubble) -> None:
        chat.bubbles[bubble.id] = bubble
        while len(chat.bubbles) > KEPT:
            del chat.bubbles[next(iter(chat.bubbles))]
        self._tell(chat, bubble)

    def _see(self, chat: Chat) -> None:
        wait = self._network.person(chat.person).manner.read_ms / 1000
        for bubble in chat.bubbles.values():
            if not bubble.mine and not bubble.read:
                bubble.read = True
                self._network.timeline.after(wait, self._reader(bubble.id))

    def _reader(self, wamid: str) -> Any:
        def read() -> None:
            message = self._network.messages.get(wamid)
            if message and "read" not in message.statuses:
                self._network.report(message, "read")

        return read

    def _context(self, account: str, person: str, reply_to: str) -> Json:
        bubble = self.chat(account, person).bubbles.get(reply_to)
        mine = bubble.mine if bubble else False
        business = self._network.accounts[account].spec.display_number.lstrip("+")
        return {"from": person if mine else business, "id": reply_to}

    def _head(self, chat: Chat) -> Json:
        account = self._network.accounts.get(chat.account)
        return {
            "account": chat.account,
            "name": account.spec.name if account else chat.account,
            "display_number": account.spec.display_number if account else "",
            "kind": account.spec.kind if account else "whatsapp",
            "unread": chat.unread,
            "open": chat.open,
            "typing": chat.typing_until > self._network.timeline.now(),
        }

    def _tell(self, chat: Chat, bubble: Bubble | None = None) -> None:
        event: Json = {"type": "chat", "chat": self._head(chat)}
        if bubble:
            event["message"] = bubble.shown()
        self.feed.tell(chat.person, event)
