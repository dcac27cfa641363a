"""What requests of the desk have in common: who asks, what they may see, and what they send."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, TypeVar
from uuid import UUID

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from core.access import SignedIn
from core.clock import Clock
from core.faults import Invalid, Refused
from core.http import body, signed_in
from core.ids import MediaId, WorkspaceId, parse
from core.postgres import Database
from core.vocabulary import ChannelKind
from handoff.conversation.conversations import Conversations
from handoff.desk.watching import Watchers
from handoff.routing.operators import Operators
from messaging.channel import Capabilities

MediaLink = Callable[[WorkspaceId, MediaId], str]
"""Makes a link under which a browser may fetch a file for a while."""

Body = TypeVar("Body", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Desk:
    """Everything that the desk's endpoints work with."""

    database: Database
    clock: Clock
    conversations: Conversations
    operators: Operators
    watchers: Watchers
    capabilities: Mapping[ChannelKind, Capabilities]
    media_link: MediaLink

    def media_url(self, workspace_id: WorkspaceId) -> Callable[[MediaId], str]:
        """Links to files of one workspace."""
        return lambda media_id: self.media_link(workspace_id, media_id)


DESK = web.AppKey("DESK", Desk)


class NotJson(Refused, status=415, code="json_expected"):
    """Send the body as JSON: Content-Type: application/json."""


Epoch = Annotated[int, Field(ge=1, le=2_147_483_647)]
"""The conversation as the page last saw it, in a number that the database can hold."""


class Sent(BaseModel):
    """A body from a browser: nothing in it that we do not know."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Nothing(Sent):
    """A body that says nothing."""


async def sent(request: web.Request, model: type[Body]) -> Body:
    """The body as a checked model. An empty one counts as `{}` where everything is optional."""
    if not request.can_read_body:
        return await _empty(model)
    if request.content_type != "application/json":
        raise NotJson
    return await body(request, model)


async def _empty(model: type[Body]) -> Body:
    if any(field.is_required() for field in model.model_fields.values()):
        raise NotJson
    return model()


def asker(request: web.Request) -> tuple[Desk, SignedIn]:
    """The desk, and who asks it for something."""
    return request.app[DESK], signed_in(request)


def path_id(request: web.Request, prefix: str, name: str = "id") -> UUID:
    """The id in the address; raises NotFound when it names nothing of this kind."""
    return parse(prefix, request.match_info[name])


def whole(request: web.Request, name: str, *, default: int | None = None) -> int | None:
    """A whole number of the query; raises Invalid."""
    text = request.query.get(name)
    if text is None or text == "":
        return default
    if not text.isascii() or not text.isdigit() or len(text) > 9:  # noqa: PLR2004 - fits an integer
        message = f"{name} is a whole number."
        raise Invalid(message, errors=[{"path": name, "message": message}])
    return int(text)


def clamped(request: web.Request, name: str, *, default: int, most: int) -> int:
    """How much is asked for, within what one answer carries."""
    wanted = whole(request, name, default=default)
    return min(most, max(1, default if wanted is None else wanted))
