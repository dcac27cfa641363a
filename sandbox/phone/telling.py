"""What the IVR tells the product about one call."""

from dataclasses import dataclass

from sandbox.specs import Json, LineSpec

YES = "1"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, in which language, and whether the number is shown."""

    person: str
    language: str
    withheld: bool = False


@dataclass(frozen=True, slots=True)
class Telling:
    """Bodies of requests about this call."""

    call_id: str
    line: LineSpec
    caller: Caller

    def question(self, attempt: int, stage: str) -> Json:
        """May this caller be offered a messenger?"""
        body: Json = {
            **self._call(),
            "attempt": attempt,
            "brand": self.line.brand,
            "language": self.caller.language,
            "ivr_path": self.line.ivr_path,
            "voice_wait_s": self.line.voice_wait_s,
            "queue_position": self.line.queue_position,
            "offer_stage": stage,
            "deadline_ms": self.line.deadline_ms,
            "can_poll": self.line.can_poll,
        }
        if self.line.intent:
            body["intent"] = self.line.intent
        if self.line.confirm:
            body["confirm"] = self.line.confirm
        return body

    def consented(self, asked: Json, at: str) -> Json:
        """The same, with the key that the caller pressed."""
        consent = {
            "given": True,
            "method": "dtmf",
            "prompt_version": f"sandbox-{self.caller.language}-1",
            "at": at,
        }
        return {**asked, "digits": YES, "consent": consent}

    def event(self, name: str, at: str) -> Json:
        """Something happened."""
        return {**self._call(), "event": name, "at": at}

    def _call(self) -> Json:
        who: Json = (
            {"caller_withheld": True}
            if self.caller.withheld
            else {"caller": f"+{self.caller.person}"}
        )
        return {"call_id": self.call_id, "line": self.line.number, **who}
