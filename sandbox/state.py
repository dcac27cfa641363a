"""Keeps chats, windows and files over a restart, so that a demo's story goes on."""

import asyncio
import json
from dataclasses import asdict
from pathlib import Path

import structlog

from sandbox.graph.media import MediaShelf, Medium
from sandbox.network import Network
from sandbox.outgoing import Outgoing
from sandbox.phone.chats import Bubble, Chats
from sandbox.specs import Behaviour, Json, Manner

log = structlog.get_logger()

PAUSE_S = 0.3


class Keeper:
    """Writes the whole state soon after a change; a sandbox's state is small."""

    def __init__(self, folder: Path, network: Network, chats: Chats, media: MediaShelf) -> None:
        self._file, self._files = folder / "sandbox.json", folder / "media"
        self._network, self._chats, self._media = network, chats, media
        self._timer: asyncio.TimerHandle | None = None
        self._files.mkdir(parents=True, exist_ok=True)
        network.observers.append(self)

    # -- the network tells of every change -------------------------------------------------------

    def told(self, message: Outgoing, status: str) -> None:
        """A status came about."""
        del message, status
        self._soon()

    def wrote(self, account: str, person: str, message: Json) -> None:
        """A customer wrote."""
        del account, person, message
        self._soon()

    def business_read(self, account: str, person: str, wamid: str, *, typing: bool) -> None:
        """The business read."""
        del account, person, wamid, typing
        self._soon()

    # -- to disk and back ------------------------------------------------------------------------

    def save(self) -> None:
        """Write everything; the old file stands until the new one is complete."""
        self.stop()
        fresh = self._file.with_suffix(".new")
        fresh.write_text(json.dumps(self._state(), ensure_ascii=False), encoding="utf-8")
        fresh.replace(self._file)

    def stop(self) -> None:
        """No more writing by itself."""
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def load(self) -> None:
        """Take up what an earlier process left; a broken file is said and passed over."""
        try:
            state = json.loads(self._file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return
        except ValueError:
            log.exception("state.unreadable", file=str(self._file))
            return
        self._take_up(state)

    def _soon(self) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(PAUSE_S, self.save)

    def _state(self) -> Json:
        kept = {message.wamid: message for message in self._in_chats()}
        pending: Json = {}
        for person in self._network.people.values():
            if person.pending:
                kept.update({message.wamid: message for message in person.pending})
                pending[person.key] = [message.wamid for message in person.pending]
        return {
            "people": [
                {
                    "key": person.key,
                    "name": person.name,
                    "online": person.online,
                    "sms": person.sms.value,
                    "manner": person.manner.model_dump(),
                }
                for person in self._network.people.values()
                if person.named
            ],
            "windows": {
                account.spec.phone_number_id: account.windows
                for account in self._network.accounts.values()
            },
            "inbound_of": list(self._network.inbound_of.items()),
            "messages": [asdict(message) for message in kept.values()],
            "pending": pending,
            "chats": [
                {
                    "account": chat.account,
                    "person": chat.person,
                    "bubbles": [asdict(bubble) for bubble in chat.bubbles.values()],
                }
                for chat in self._chats.all()
            ],
            "media": [self._put_away(medium) for medium in self._media.all()],
        }

    def _in_chats(self) -> list[Outgoing]:
        ids = (wamid for chat in self._chats.all() for wamid in chat.bubbles)
        return [m for wamid in ids if (m := self._network.messages.get(wamid))]

    def _put_away(self, medium: Medium) -> Json:
        file = self._files / medium.id
        if not file.exists():
            file.write_bytes(medium.content)
        return {
            "id": medium.id,
            "account": medium.account,
            "mime": medium.mime,
            "sha256": medium.sha256,
            "filename": medium.filename,
            "until": medium.until,
        }

    def _take_up(self, state: Json) -> None:
        for row in state["people"]:
            person = self._network.person(row["key"])
            person.manner, person.named = Manner(**row["manner"]), True
            person.name, person.online = row["name"], row["online"]
            person.sms = Behaviour(row.get("sms", Behaviour.REACHABLE))
        for row in state["messages"]:
            self._network.messages[row["wamid"]] = Outgoing(**row)
        for key, waiting in state["pending"].items():
            self._network.person(key).pending = [self._network.messages[one] for one in waiting]
        self._network.remember_windows(state["windows"])
        for wamid, (account, key) in state["inbound_of"]:
            self._network.inbound_of[wamid] = (account, key)
        for row in state["chats"]:
            chat = self._chats.chat(row["account"], row["person"])
            chat.bubbles = {one["id"]: Bubble(**one) for one in row["bubbles"]}
        for row in state["media"]:
            file = self._files / row["id"]
            if file.exists():
                self._media.put_back(Medium(content=file.read_bytes(), **row))
