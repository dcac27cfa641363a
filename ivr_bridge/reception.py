"""Who asks, about which call and on which line: a key, or a signature that the line's platform made."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.access import KeyHolder, Workspaces
from core.access.refusals import Why
from core.access.workspaces import WorkspaceUnknown
from core.clock import Clock
from core.entrance import KEYS, read_limited, require_key
from core.faults import Invalid, Unauthorized
from core.ids import WorkspaceId
from ivr_bridge.asking import SCOPE, wish_of
from ivr_bridge.dialects.payloads import (
    Heard,
    event,
    heard,
    in_the_contracts_names,
    is_over,
    queued,
)
from ivr_bridge.dialects.secrets import LineSecrets
from ivr_bridge.dialects.signatures import signed
from ivr_bridge.dialects.telling import VERBS
from ivr_bridge.dialects.turn import Turn
from ivr_bridge.documents import ConsentGiven
from ivr_bridge.events import LineForbidden
from ivr_bridge.line import Line
from ivr_bridge.lines import Lines
from ivr_bridge.opening import Wish
from ivr_bridge.reading import Asked, asked_of, read_events, read_fields, read_form
from ivr_bridge.shares import Shares

MAX_REQUEST = 64 * 1024
MAX_EVENTS = 1024 * 1024
_TOLD_AGAIN = ("call_id", "caller", "line", "caller_withheld", "messenger_number")


class SignatureWrong(Unauthorized, code="unauthorized"):
    """No secret of this line made this request's signature."""


class KeyInAddress(Unauthorized, code="unauthorized"):
    """This line takes no key in an address; send it in a header, or let its terms allow `path_key`."""


class NoFormInAddress(Invalid, code="invalid_request"):
    """This line takes no form in an address; send a POST, or let its terms allow `get_form`."""


@dataclass(frozen=True, slots=True)
class Asker:
    """Whose addresses are asked, and by which key; without one the platform signs."""

    workspace_id: WorkspaceId
    holder: KeyHolder | None


@dataclass(frozen=True, slots=True)
class Reception:
    """Where those who ask are told apart."""

    workspaces: Workspaces
    lines: Lines
    secrets: LineSecrets
    clock: Clock
    shares: Shares

    async def enter(self, turn: Turn) -> Asker:
        """Who is it? A signature is looked at when the line is known. Raises Unauthorized, Forbidden."""
        name = turn.request.match_info.get("workspace")
        if name is None:
            key = turn.request.match_info.get("key")
            holder = await require_key(turn.request, SCOPE, key=key)
            return Asker(holder.workspace_id, holder)
        try:
            return Asker(await self.workspaces.number(name), None)
        except WorkspaceUnknown as nobody:
            raise SignatureWrong from nobody

    async def wish(self, turn: Turn) -> Wish | None:
        """What is asked for; None when there is no such line. Raises Unauthorized, Forbidden, Invalid,
        TooManyAtOnce.
        """
        asker = await self.enter(turn)
        turn.body = await read_limited(turn.request, MAX_REQUEST)
        told = _told(turn)
        line = await self._line(asker, told.get("line"))
        if line is not None:
            await self.admit(turn, asker, line)
            self._take(turn, asker, line)
            if turn.request.method == "GET" and not line.terms.dialects.get_form:
                raise NoFormInAddress
        asked = asked_of(told)
        if line is None:
            return None
        turn.language, turn.brand = asked.request.language, asked.request.brand
        return wish_of(asker.workspace_id, line, _agreed(turn, line, asked))

    async def events(self, turn: Turn) -> tuple[WorkspaceId, Sequence[str], list[Any]]:
        """What is told about calls, and the lines that it may be about (none named: all). Raises as
        `wish` does.
        """
        asker = await self.enter(turn)
        turn.body = await read_limited(turn.request, MAX_EVENTS)
        query = turn.request.query
        told = [
            event(each, query) if isinstance(each, Mapping) else each
            for each in read_events(turn.body)
        ]
        if asker.holder is not None and "key" not in turn.request.match_info:
            self._take(turn, asker, None)
            return asker.workspace_id, asker.holder.lines, told
        # One platform reports about one line here, and it is the line that says how it may ask.
        first = told[0].get("line") if isinstance(told[0], Mapping) else None
        line = await self._line(asker, first)
        if line is None:
            raise LineForbidden
        await self.admit(turn, asker, line)
        self._take(turn, asker, line)
        return asker.workspace_id, [line.name], told

    async def follow(self, turn: Turn, asker: Asker, line: Line) -> None:
        """May whoever asks know what became of an attempt on this line? Raises as `admit` does."""
        turn.body = await read_limited(turn.request, MAX_REQUEST)
        await self.admit(turn, asker, line)

    async def admit(self, turn: Turn, asker: Asker, line: Line) -> None:
        """May whoever asks use this line? Raises LineForbidden, SignatureWrong."""
        if asker.holder is not None:
            if not line.opens_to(asker.holder.lines):
                raise LineForbidden
            if "key" in turn.request.match_info and not line.terms.dialects.path_key:
                raise KeyInAddress
            turn.line = line
            return
        # The line is known before it is certain who asks: a platform whose secret was mistyped must
        # still be told where its caller goes on.
        turn.line = line
        secrets = await self.secrets.of(asker.workspace_id, line.line_id)
        if not signed(
            turn.request.headers,
            secrets,
            url=turn.signed_address(),
            body=turn.body,
            now=self.clock(),
        ):
            refusals = turn.request.app[KEYS].refusals
            await refusals.count(asker.workspace_id, line.name, Why.SIGNATURE)
            raise SignatureWrong

    def _take(self, turn: Turn, asker: Asker, line: Line | None) -> None:
        """Whoever has shown who they are has one more in hand, until this turn is over. Who follows an
        attempt is not counted: what was begun is told to its end.
        """
        key = (asker.workspace_id, None if line is None else line.line_id)
        turn.laid_down = self.shares.take(key if asker.holder is None else asker.holder.key_id)

    async def _line(self, asker: Asker, told: object) -> Line | None:
        if not isinstance(told, str | int) or not str(told):
            return None
        return await self.lines.find(asker.workspace_id, str(told))


def _told(turn: Turn) -> dict[str, Any]:
    """The request's fields, and what its turn is about."""
    query = turn.request.query
    if turn.request.method == "GET":
        told = in_the_contracts_names(
            read_form(turn.request.rel_url.raw_query_string.encode()), query
        )
    else:
        told = in_the_contracts_names(read_fields(turn.body), query)
    turn.heard = heard(told, query, verbs=turn.view in VERBS)
    turn.over = is_over(told)
    turn.queued = queued(told)
    turn.call = {name: str(told[name]) for name in _TOLD_AGAIN if told.get(name)}
    return told


def _agreed(turn: Turn, line: Line, asked: Asked) -> Asked:
    """Whoever pressed 1 at our question agreed to the line's prompt, and was seen to."""
    told = asked.request.consent
    if turn.heard is not Heard.YES or (told is not None and told.given is not None):
        return asked
    given = ConsentGiven(method="dtmf", prompt_version=line.consent.prompt_version, at=None)
    return Asked(asked.request.model_copy(update={"consent": given}), asked.dropped)
