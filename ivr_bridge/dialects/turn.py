"""One exchange with an IVR: what is known of it so far decides how even a fault is said."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

from aiohttp import web

from core.http import PUBLIC_ORIGIN
from core.ids import DeflectionId, public
from ivr_bridge.dialects.dialect import POLL_WAIT_MS, Destination, Scene
from ivr_bridge.dialects.payloads import ANSWERS, CARRIED, Heard, Queued
from ivr_bridge.dialects.saying import Words, words
from ivr_bridge.dialects.views import View
from ivr_bridge.line import Line
from ivr_bridge.outcome import PromptKey

_SHORTEST_AGAIN_S, _LONGEST_AGAIN_S = 5, 600


@dataclass(slots=True)
class Turn:
    """A request while it is being answered."""

    request: web.Request
    received: float
    view: View = View.JSON
    by_status: bool = False
    """200 or 302 says it all."""
    line: Line | None = None
    language: str | None = None
    brand: str | None = None
    body: bytes = field(default=b"", repr=False)
    call: Mapping[str, str] = field(default_factory=dict, repr=False)
    heard: Heard = Heard.NOT_ASKED
    promised: bool = False
    """The caller asked to be written to: what becomes of it is owed a word."""
    follows: bool = False
    """It asks about an earlier attempt."""
    over: bool = False
    """The call has ended."""
    queued: Queued = Queued.NOT
    """What the platform's own queue tells about it."""
    laid_down: Callable[[], None] | None = None
    """To be called when the turn is over, if it counts among what somebody has in hand."""

    def says(self, key: PromptKey, channel: str | None = None) -> Words | None:
        """The line's words here; None when the line is not known."""
        if self.line is None:
            return None
        language = self._language(self.line)
        return words(self.line, key, language, brand=self.brand, channel=channel)

    def scene(self, attempt: DeflectionId | None = None) -> Scene:
        """Where this turn's document is played."""
        line = self.line
        path = "" if attempt is None else f"deflections/{public('d', attempt)}"
        return Scene(
            language="en" if line is None else self._language(line),
            continues=None if line is None or self.ended else Destination.of(line.continue_to),
            question=self._address("eligibility"),
            answer=self._address("deflections", **{ANSWERS: "offer"}),
            follow=self._address(path, wait_ms=str(POLL_WAIT_MS)) if path else "",
            again_s=None if self.ended else self._again_s(),
            waiting=self.queued is Queued.WAITING,
            hold_music=None if line is None else line.terms.dialects.hold_music,
            call=self.call,
        )

    @property
    def ended(self) -> bool:
        """Is there nobody left who could go anywhere?"""
        return self.over or self.queued in {Queued.SERVED, Queued.GONE}

    def signed_address(self) -> str:
        """The address as the platform called it, which is not what arrived here behind a proxy."""
        return self.request.app[PUBLIC_ORIGIN] + self.request.raw_path

    def _language(self, line: Line) -> str:
        return line.language(self.language or self.request.query.get("language"))

    def _address(self, path: str, **more: str) -> str:
        """A relative address keeps the scheme, the host and the credentials that the platform used;
        mod_httapi takes only whole ones.
        """
        origin = self.request.app[PUBLIC_ORIGIN]
        start = origin if self.view is View.HTTAPI else urlsplit(origin).path
        query = {"format": self.view.value}
        for name in (*CARRIED, "again_s"):
            if value := self.request.query.get(name):
                query[name] = value
        return f"{start}{self._prefix()}/{path}?{urlencode({**query, **more})}"

    def _prefix(self) -> str:
        """`/v1`, `/v1/l/demo` or `/v1/k/KEY`: whoever asked comes back the same way."""
        parts = self.request.rel_url.raw_path.split("/")
        return "/".join(parts[: 4 if {"l", "k"}.intersection(parts[2:3]) else 2])

    def _again_s(self) -> int | None:
        text = self.request.query.get("again_s", "")
        if not (text.isascii() and text.isdigit() and len(text) < 5):  # noqa: PLR2004 - seconds
            return None
        return max(_SHORTEST_AGAIN_S, min(_LONGEST_AGAIN_S, int(text)))
