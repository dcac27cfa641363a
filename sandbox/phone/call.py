"""One call: the IVR's script, the caller's keys, and the words both hear."""

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Literal

from sandbox.phone import prompts
from sandbox.phone.product import Exchanged, Product
from sandbox.phone.telling import YES, Caller, Telling
from sandbox.specs import Json, LineSpec
from sandbox.timeline import Timeline

State = Literal["offering", "moving", "queue", "talking", "ended"]
NO = "2"
SPEECH_S = 1.2


class Call:
    """An actor: keys and hang-ups come into its mailbox, `changed` tells whoever watches."""

    def __init__(
        self,
        line: LineSpec,
        caller: Caller,
        product: Product,
        timeline: Timeline,
        changed: Callable[["Call"], None],
    ) -> None:
        self.id = f"sbx-{secrets.token_hex(6)}"
        self.line, self.caller = line, caller
        self._told = Telling(self.id, line, caller)
        self.state: State = "queue"
        self.outcome: str | None = None
        self.ended_by: str | None = None
        self.done = asyncio.Event()
        self._product, self._timeline, self._changed = product, timeline, changed
        self._mailbox: asyncio.Queue[str | int] = asyncio.Queue()
        self._turn = 0
        self._awaiting_key = False
        self._attempt = 0
        self._transcript: list[Json] = []
        self._api: list[Exchanged] = []
        self._news: asyncio.Queue[tuple[float, Json] | None] = asyncio.Queue()
        self.started_at = timeline.now()
        self.ended_at: float | None = None

    # -- the caller ----------------------------------------------------------------------------

    def press(self, digit: str) -> None:
        """A key; heard whenever, understood only while the IVR listens."""
        if self.state != "ended":
            self._line("caller", digit, key="digit")
            self._mailbox.put_nowait(digit)

    def hang_up(self) -> None:
        """The caller leaves; a request under way is finished and its answer dropped."""
        if self.state != "ended":
            self._end("caller")
            self._mailbox.put_nowait("left")

    # -- the script ----------------------------------------------------------------------------

    async def run(self) -> None:
        """From the first ring to the end."""
        news = asyncio.get_running_loop().create_task(self._report())
        try:
            self._event("entered")
            self._say("welcome")
            await self._script()
        finally:
            if self.state != "ended":
                self._end("ivr")
            self._news.put_nowait(None)
            await news
            self.done.set()

    async def _script(self) -> None:
        if await self._offer("menu"):
            return
        self._event("queued")
        waited = 0.0
        declined = self.outcome == "declined"
        while self.state != "ended":
            left = self.line.answer_after_s - waited if self.line.answer_after_s else None
            pause = self.line.offer_every_s
            if left is not None and (declined or left <= pause):
                if await self._wait(max(0.0, left)):
                    await self._talk()
                return
            if not await self._wait(pause):
                return
            waited += pause
            if not declined and await self._offer("queue"):
                return
            declined = declined or self.outcome == "declined"

    async def _offer(self, stage: str) -> bool:
        """One round: ask, offer, listen, move. True when the call is over."""
        self._attempt += 1
        asked = self._told.question(self._attempt, stage)
        may = await self._ask(self._product.eligibility(asked))
        if self._left():
            return True
        if may.action != "offer":
            self._stay(may, "stay_on_line")
            return False
        self._set("offering", outcome="offered")
        self._say(self._prompt(may, "offer"))
        self._event("offered")
        digit = await self._listen()
        if self._left():
            return True
        if digit != YES:
            self._refused(digit)
            return False
        self._event("accepted")
        return await self._move(asked)

    async def _move(self, asked: Json) -> bool:
        self._set("moving", outcome="accepted")
        self._say("one_moment")
        answer = await self._ask(self._product.deflect(self._told.consented(asked, self._stamp())))
        if answer.action == "poll" and isinstance(answer.field("deflection_id"), str):
            answer = await self._ask(self._product.poll(answer.field("deflection_id")))
        if self._left():
            return True
        if answer.action != "hangup":
            self._stay(answer, "not_possible")
            return False
        self.outcome = "hangup"
        self._say(self._prompt(answer, "sent_goodbye"))
        await self._timeline.rest(SPEECH_S)
        self._end("ivr")
        return True

    async def _talk(self) -> None:
        self._event("answered")
        self._set("talking", outcome="answered")
        self._say("person_answers", by="person")
        while not self._left():
            await self._mailbox.get()

    # -- small steps ---------------------------------------------------------------------------

    def _refused(self, digit: str | None) -> None:
        if digit == NO:
            self._event("declined")
            self.outcome = "declined"
        else:
            self.outcome = "silence"
        self._set("queue")
        self._say("stay_on_line")

    def _stay(self, answer: Exchanged, otherwise: str) -> None:
        self.outcome = "continue"
        self._set("queue")
        self._say(self._prompt(answer, otherwise), why=answer.why)

    async def _listen(self) -> str | None:
        """The next key, or None when the caller stays silent; earlier keys were not an answer."""
        while not self._mailbox.empty():
            self._mailbox.get_nowait()
        if self._left():
            return None
        self._awaiting_key = True
        self._changed(self)
        digit = await self._signal(self.line.offer_wait_s)
        self._awaiting_key = False
        return digit

    async def _wait(self, seconds: float) -> bool:
        """Music for so long; False when the caller left meanwhile."""
        until = self._timeline.now() + seconds
        while not self._left():
            left = until - self._timeline.now()
            if left <= 0 or await self._signal(left) is None:
                break
        return not self._left()

    async def _signal(self, seconds: float) -> str | None:
        self._turn += 1
        turn = self._turn
        self._timeline.after(seconds, lambda: self._mailbox.put_nowait(turn))
        while True:
            item = await self._mailbox.get()
            if isinstance(item, str):
                return item
            if item == turn:
                return None

    async def _ask(self, question: Awaitable[Exchanged]) -> Exchanged:
        answer = await question
        self._note(answer)
        return answer

    def _prompt(self, answer: Exchanged, otherwise: str) -> str:
        key = answer.field("prompt_key")
        return str(key) if prompts.known(key) else otherwise

    def _say(self, key: str, by: str = "ivr", *, why: str | None = None) -> None:
        if self.state != "ended":
            self._line(by, prompts.text(self.line, key, self.caller.language), key=key, why=why)

    def _line(self, by: str, text: str, *, key: str, why: str | None = None) -> None:
        """What is said or pressed; `why` is for whoever watches, the caller does not hear it."""
        entry = {"n": len(self._transcript), "at": self._timeline.now(), "by": by, "why": why}
        self._transcript.append({**entry, "key": key, "text": text})
        self._changed(self)

    def _left(self) -> bool:
        return self.state == "ended"

    def _set(self, state: State, outcome: str | None = None) -> None:
        if self.state != "ended":
            self.state = state
            self.outcome = outcome or self.outcome
            self._changed(self)

    def _end(self, by: str) -> None:
        self.state, self.ended_by, self.ended_at = "ended", by, self._timeline.now()
        self._awaiting_key = False
        self._event("ended")
        self._changed(self)

    # -- what the telephony engineer sees --------------------------------------------------------

    def _event(self, name: str) -> None:
        self._news.put_nowait((time.monotonic(), self._told.event(name, self._stamp())))

    async def _report(self) -> None:
        """Call events go out one after the other; a lost one never disturbs the call."""
        while (news := await self._news.get()) is not None:
            happened, body = news
            self._note(replace(await self._product.event(body), began=happened))

    def _note(self, exchanged: Exchanged) -> None:
        # Events travel beside the questions: shown in the order in which they arose.
        self._api.append(exchanged)
        self._api.sort(key=lambda one: one.began)
        self._changed(self)

    def _stamp(self) -> str:
        return datetime.fromtimestamp(self._timeline.now(), UTC).isoformat()

    def shown(self) -> Json:
        """The call as JSON."""
        return {
            "id": self.id,
            "line": self.line.number,
            "brand": self.line.brand,
            "language": self.caller.language,
            "withheld": self.caller.withheld,
            "state": self.state,
            "outcome": self.outcome,
            "ended_by": self.ended_by,
            "awaiting_key": self._awaiting_key,
            "started_at": self.started_at,
            "ended_at": self.ended_at,
            "chat_account": self.line.chat_account,
            "transcript": self._transcript,
            "api": [one.shown() for one in self._api],
        }
