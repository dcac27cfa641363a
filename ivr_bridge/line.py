"""A dialled number and what it promises its callers."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Literal, Self
from zoneinfo import ZoneInfo

from core.ids import LineId
from ivr_bridge.evidence import Confirm
from ivr_bridge.terms import LineTerms

ManagedBy = Literal["file", "pages"]

_PLACE = re.compile(r"\{(?P<name>\w+)(?:\|(?P<otherwise>[^}]*))?\}")


@dataclass(frozen=True, slots=True)
class OpeningUse:
    """Which template opens the chat in one language, and what fills it.

    A parameter is text with places: `{line_number}`, `{brand}`, `{topic|your question}`, `{order}`.
    """

    template: str
    parameters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Consent:
    """What the line's own prompt says, recorded as declared when the IVR sends nothing better."""

    method: str
    prompt_version: str
    text: str = ""
    require_explicit: bool = False

    @classmethod
    def kept(cls, stored: Mapping[str, Any]) -> Self:
        """From the database; what a newer version put there is passed over, as in `LineTerms.kept`."""
        known = {each.name for each in fields(cls)}
        return cls(**{name: value for name, value in stored.items() if name in known})


@dataclass(frozen=True, slots=True)
class Line:
    """A line as it stands in the database."""

    line_id: LineId
    name: str
    title: str
    numbers: Sequence[str]
    country: str
    enabled: bool
    account: str
    """The channel account that speaks for it, by name."""
    flow: str
    queue: str
    callback_queue: str
    confirm: Confirm
    grace_ms: int
    deadline_ms: int | None
    rescue_after_s: int | None
    repeat_call_s: int
    declined_s: int
    can_poll: bool
    continue_to: str | None
    opening: Mapping[str, OpeningUse]
    prompts: Mapping[str, Mapping[str, str]]
    goodbye: Mapping[str, str]
    topics: Mapping[str, Mapping[str, str]]
    consent: Consent
    terms: LineTerms
    workspace_title: str
    timezone: str
    draw_key: bytes = field(repr=False)
    unwanted_listed: bool
    """The workspace has a do-not-contact list."""
    managed_by: ManagedBy
    """`file`: a workspace file keeps it; `pages`: people do."""
    version: int
    followed: bool = False
    """Somebody outside is to hear when an opening arrives."""

    @property
    def zone(self) -> ZoneInfo:
        """Whose wall clock the line's hours mean."""
        return ZoneInfo(self.timezone)

    @property
    def brand(self) -> str:
        """Who calls back, writes and says goodbye, as callers know them; the line's title is ours."""
        return self.terms.brand or self.workspace_title

    @property
    def number(self) -> str:
        """The number people know it by."""
        return self.numbers[0]

    def language(self, asked: str | None) -> str:
        """The caller's language when the line can open a chat in it, else the line's first."""
        wanted = (asked or "").strip().lower()[:2]
        return wanted if wanted in self.opening else next(iter(self.opening))

    def opens_to(self, lines: Sequence[str]) -> bool:
        """May a key that is scoped to these lines (names or numbers; none means all) use it?"""
        return not lines or self.name in lines or any(number in lines for number in self.numbers)


@dataclass(frozen=True, slots=True)
class LineDraft:
    """A line as someone wants it to be."""

    name: str
    title: str
    numbers: Sequence[str]
    country: str
    account: str
    flow: str
    queue: str
    opening: Mapping[str, OpeningUse]
    consent: Consent
    callback_queue: str | None = None
    confirm: Confirm = Confirm.SENT
    grace_ms: int = 800
    deadline_ms: int | None = None
    rescue_after_s: int | None = None
    repeat_call_s: int = 24 * 3600
    declined_s: int = 24 * 3600
    can_poll: bool = True
    continue_to: str | None = None
    prompts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    goodbye: Mapping[str, str] = field(default_factory=dict)
    topics: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    enabled: bool = True
    terms: LineTerms = field(default_factory=LineTerms)
    managed_by: ManagedBy = "file"


@dataclass(frozen=True, slots=True)
class LineRow:
    """What a statement says about one line."""

    line_id: LineId
    name: str
    title: str
    numbers: Sequence[str]
    country: str
    enabled: bool
    account: str
    flow: str
    queue: str
    callback_queue: str
    confirm: str
    grace_ms: int
    deadline_ms: int | None
    rescue_after_s: int | None
    repeat_call_s: int
    declined_s: int
    can_poll: bool
    continue_to: str | None
    opening: Sequence[Mapping[str, Any]]
    prompts: Mapping[str, Mapping[str, str]]
    goodbye: Mapping[str, str]
    topics: Mapping[str, Mapping[str, str]]
    consent: Mapping[str, Any]
    terms: Mapping[str, Any]
    managed_by: ManagedBy
    version: int
    followed: bool
    workspace_title: str
    timezone: str
    draw_key: bytes
    unwanted_listed: bool

    def line(self) -> Line:
        """The line in our own words."""
        return Line(
            line_id=self.line_id,
            name=self.name,
            title=self.title,
            numbers=self.numbers,
            country=self.country,
            enabled=self.enabled,
            account=self.account,
            flow=self.flow,
            queue=self.queue,
            callback_queue=self.callback_queue,
            confirm=Confirm(self.confirm),
            grace_ms=self.grace_ms,
            deadline_ms=self.deadline_ms,
            rescue_after_s=self.rescue_after_s,
            repeat_call_s=self.repeat_call_s,
            declined_s=self.declined_s,
            can_poll=self.can_poll,
            continue_to=self.continue_to,
            opening={
                use["language"]: OpeningUse(use["template"], tuple(use["parameters"]))
                for use in self.opening
            },
            prompts=self.prompts,
            goodbye=self.goodbye,
            topics=self.topics,
            consent=Consent.kept(self.consent),
            terms=LineTerms.kept(self.terms),
            managed_by=self.managed_by,
            version=self.version,
            followed=self.followed,
            workspace_title=self.workspace_title,
            timezone=self.timezone,
            draw_key=self.draw_key,
            unwanted_listed=self.unwanted_listed,
        )


@dataclass(frozen=True, slots=True)
class Values:
    """What may fill a template's places, for one call."""

    known: Mapping[str, str]

    @classmethod
    def of(
        cls,
        line: Line,
        language: str,
        *,
        brand: str | None,
        intent: str | None,
        context: Mapping[str, Any],
    ) -> Self:
        """The line's own words first: a context field must not pretend to be the brand."""
        titles = line.topics.get(intent or "", {})
        topic = titles.get(language) or next(iter(titles.values()), "")
        told = {
            name: str(value)
            for name, value in context.items()
            if isinstance(value, str | int | float) and not isinstance(value, bool)
        }
        own = {
            "line_number": line.number,
            "line_title": line.title,
            "brand": brand or line.brand,
            "topic": topic,
            "intent": intent or "",
        }
        return cls({**told, **own})

    def fill(self, text: str, *, at_most: int = 200) -> str:
        """The text with its places filled.

        A template parameter may have no line breaks, tabs or runs of spaces, and must not be empty
        (Cloud API, template components).
        """
        filled = _PLACE.sub(
            lambda place: self.known.get(place["name"]) or place["otherwise"] or "", text
        )
        return " ".join(filled.split())[:at_most] or "-"
