"""A channel that runs through the plan: applications, functions, and a note of what the caller met."""

import asyncio
import re
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

from tests.fakes import asterisk
from tests.fakes.dialplan.curl import as_hash, curl
from tests.fakes.dialplan.expressions import evaluate, true
from tests.fakes.dialplan.reading import Plan


@dataclass(slots=True)
class Caller:
    """What the person does, and what the queue does with them."""

    number: str
    dialled: str
    presses: list[str] = field(default_factory=list)
    """One answer for each Read(); empty is silence."""
    waits: list[tuple[str, str]] = field(default_factory=list)
    """For each Queue(): how it ends (TIMEOUT, answered …) and the place on leaving."""
    presentation: str = "allowed_not_screened"
    ahead: int = 3
    pressed: Callable[[], None] = lambda: None
    """Something that happens at the moment of each Read()."""


class _Over(Exception):
    """Hung up: nothing further of the plan runs."""


@dataclass(slots=True)
class Channel:
    """One call in Asterisk."""

    plan: Plan
    caller: Caller
    met: list[str] = field(default_factory=list)
    """What the caller met, in order: prompts, music, queues."""
    variables: dict[str, str] = field(default_factory=dict)
    _hash_fields: list[str] = field(default_factory=list)
    _curl: dict[str, list[str]] = field(default_factory=dict)
    _handlers: list[str] = field(default_factory=list)
    _frames: list[dict[str, str]] = field(default_factory=lambda: [{}])
    _unique: asterisk.Channel | None = None

    def __post_init__(self) -> None:
        self._unique = asterisk.Channel(self.caller.number, self.caller.dialled)
        hidden = not self.caller.presentation.startswith("allowed")
        self._unique.presentation = 0x20 if hidden else 0
        self.variables = {"UNIQUEID": self._unique.unique_id, "EXTEN": self.caller.dialled}

    async def call(self, context: str, extension: str) -> list[str]:
        """From the first ring to the last hangup handler: what the caller met."""
        with suppress(_Over):
            await self._run(context, extension, 1)
        for place in reversed(self._handlers):
            context, extension, priority = place.split(",")
            await self._run(context, extension, int(priority))
        return self.met

    # -- running ---------------------------------------------------------------------------------

    async def _run(self, context: str, extension: str, priority: int) -> str:
        """Steps until Return() or the end of the extension; the value that was returned."""
        for _ in range(500):
            steps = self.plan.steps(context, extension)
            if priority > len(steps):
                raise _Over
            step = steps[priority - 1]
            data = await self._text(step.data)
            if step.app == "Return":
                return data
            moved = await self._step(step.app, data, (context, extension))
            if moved is None:
                priority += 1
            else:
                context, extension, priority = moved
        raise AssertionError("the plan runs in circles")

    async def _step(self, app: str, data: str, at: tuple[str, str]) -> tuple[str, str, int] | None:
        """Do it; where to go on, when that is not the next step."""
        if app == "Goto":
            return self._place(data, *at)
        if app == "GotoIf":
            condition, _, branches = data.rpartition("?")
            yes, _, no = branches.partition(":")
            chosen = yes if true(condition) else no
            return self._place(chosen, *at) if chosen else None
        if app == "Gosub":
            await self._gosub(data, *at)
            return None
        if app not in {"NoOp", "Answer"}:
            await getattr(self, f"_app_{app.lower()}")(data)
        return None

    def _place(self, text: str, context: str, extension: str) -> tuple[str, str, int]:
        parts = text.split(",")
        context = parts[-3] if len(parts) == 3 else context
        extension = parts[-2] if len(parts) >= 2 else extension
        return context, extension, self.plan.priority(context, extension, parts[-1])

    async def _gosub(self, data: str, context: str, extension: str) -> None:
        found = re.fullmatch(r"(?P<place>[^()]*?)(?:\((?P<arguments>.*)\))?", data)
        assert found is not None, data
        arguments = (found["arguments"] or "").split(",")
        self._frames.append({f"ARG{n}": text for n, text in enumerate(arguments, 1)})
        returned = await self._run(*self._place(found["place"], context, extension))
        self._frames.pop()
        self.variables["GOSUB_RETVAL"] = returned

    # -- what an application does ----------------------------------------------------------------

    async def _app_hangup(self, _: str) -> None:
        raise _Over

    async def _app_playback(self, prompt: str) -> None:
        self.met.append(f"play {prompt}")

    async def _app_startmusiconhold(self, _: str) -> None:
        self.met.append("music")

    async def _app_stopmusiconhold(self, _: str) -> None:
        self.met.append("quiet")

    async def _app_clearhash(self, name: str) -> None:
        for known in [known for known in self.variables if known.startswith(f"~HASH~{name}~")]:
            del self.variables[known]

    async def _app_read(self, data: str) -> None:
        variable, prompt, *_ = data.split(",")
        self.met.append(f"ask {prompt}")
        self.variables[variable] = self.caller.presses.pop(0) if self.caller.presses else ""
        self.caller.pressed()

    async def _app_queue(self, data: str) -> None:
        name, _, _, _, timeout, _, gosub, _, position, *_ = [*data.split(","), *[""] * 9]
        self.met.append(f"queue {name} {timeout} at {position or 'the end'}")
        ending, place = self.caller.waits.pop(0) if self.caller.waits else ("abandoned", "1")
        self.variables["QUEUEPOSITION"] = place
        if ending == "answered":
            await self._answered(gosub)
        if ending in {"answered", "abandoned"}:
            raise _Over
        self.variables["QUEUESTATUS"] = ending

    async def _answered(self, gosub: str) -> None:
        """The operator's channel, with what it inherits."""
        operator = Channel(self.plan, Caller("201", "201", presentation="unavailable"))
        inherited = [name for name in self.variables if f"__{name}" in self._frames[0]]
        operator.variables.update({name: self.variables[name] for name in inherited})
        await operator._run(gosub, "s", 1)
        self.met.append("operator")

    async def _app_agi(self, data: str) -> None:
        url, *arguments = data.split(",")
        address = urlsplit(url)
        assert self._unique is not None
        self._unique.variables = self.variables
        status = await self._unique.agi(
            (address.hostname or "", address.port or 4573), address.path.lstrip("/"), *arguments
        )
        self.variables["AGISTATUS"] = status

    # -- variables and functions -----------------------------------------------------------------

    async def _app_set(self, data: str) -> None:
        name, _, value = data.partition("=")
        function, _, argument = name.partition("(")
        argument = argument.removesuffix(")")
        match function:
            case "LOCAL":
                self._frames[-1][argument] = value
            case "CURLOPT" if argument == "httpheader":
                self._curl.setdefault(argument, []).append(value)
            case "CURLOPT":
                self._curl[argument] = [value]
            case "HASH":
                texts = [text.replace("\\,", ",") for text in re.split(r"(?<!\\),", value)]
                for place, each in enumerate(self._hash_fields):
                    text = texts[place] if place < len(texts) else ""
                    self.variables[f"~HASH~{argument}~{each}~"] = text
            case "CHANNEL":
                assert argument == "hangup_handler_push"
                self._handlers.append(value)
            case _:
                assert name.isidentifier(), name
                bare = name.lstrip("_")
                self.variables[bare] = value
                if name.startswith("__"):
                    self._frames[0][name] = "inherited"

    async def _text(self, text: str) -> str:
        """The text with every `${…}` and `$[…]` replaced, from the inside out."""
        done, place = "", 0
        while place < len(text):
            opening = text[place : place + 2]
            if opening not in {"${", "$["}:
                done, place = done + text[place], place + 1
                continue
            end = _closing(text, place + 1)
            inside = await self._text(text[place + 2 : end])
            done += await self._value(inside) if opening == "${" else evaluate(inside)
            place = end + 1
        return done

    async def _value(self, inside: str) -> str:
        name, parenthesis, rest = inside.partition("(")
        if not parenthesis:
            return self._part(*inside.split(":"))
        close = rest.rindex(")")
        value = await self._function(name, rest[:close])
        _, *cut = rest[close + 1 :].split(":")
        return _slice(value, *cut)

    def _part(self, name: str, *cut: str) -> str:
        for known in (self._frames[-1], self.variables, self.plan.variables):
            if name in known:
                return _slice(known[name], *cut)
        return str(int(time.time())) if name == "EPOCH" else ""

    def _cut(self, name: str, by: str, place: str) -> str:
        parts = self._part(name).split(by)
        return parts[int(place) - 1] if int(place) <= len(parts) else ""

    async def _function(self, name: str, argument: str) -> str:
        simple: dict[str, Callable[[str], str]] = {
            "URIENCODE": lambda text: quote(text, safe=""),
            "LEN": lambda text: str(len(text)),
            "FILTER": _filtered,
            "IF": _either,
            "CUT": lambda text: self._cut(*text.split(",")),
            "CALLERID": {"num": self.caller.number, "pres": self.caller.presentation}.__getitem__,
            "CHANNEL": {"language": "ru"}.__getitem__,
            "QUEUE_WAITING_COUNT": lambda _: str(self.caller.ahead),
            "HASH": lambda text: self._part("~HASH~{}~{}~".format(*text.split(","))),
        }
        if name in simple:
            return simple[name](argument)
        if name == "QUEUE_VARIABLES":
            self.variables["QUEUEHOLDTIME"] = "540"
            return "0"
        assert name == "CURL", f"{name}() is not known here"
        url, comma, body = argument.partition(",")
        said = await curl(
            url, body if comma else None, self._curl.get("httpheader", []),
            connect_s=float(self._curl.get("conntimeout", ["300"])[0]),
            whole_s=float(self._curl.get("httptimeout", ["180"])[0]),
        )  # fmt: skip
        if self._curl.get("hashcompat") != ["yes"]:
            return said
        fields, values = as_hash(said)
        self._hash_fields = fields or self._hash_fields
        return values


def _closing(text: str, place: int) -> int:
    """Where the bracket at this place is closed."""
    depth, pair = 0, {"{": "}", "[": "]"}[text[place]]
    for at in range(place, len(text)):
        depth += (text[at] == text[place]) - (text[at] == pair)
        if depth == 0:
            return at
    raise AssertionError(f"not closed: {text}")


def _slice(value: str, offset: str = "0", length: str | None = None) -> str:
    start = int(offset)
    start = max(0, len(value) + start) if start < 0 else start
    return value[start:] if length is None else value[start : start + int(length)]


def _filtered(argument: str) -> str:
    allowed, _, text = argument.partition(",")
    return "".join(re.findall(f"[{allowed}]", text))


def _either(argument: str) -> str:
    condition, _, branches = argument.partition("?")
    yes, _, no = branches.partition(":")
    return yes if true(condition) else no


async def hears(channel: Channel, context: str = "ivr-bridge-incoming") -> list[str]:
    """Call, and be done within what a caller would put up with."""
    async with asyncio.timeout(20):
        return await channel.call(context, channel.caller.dialled)
