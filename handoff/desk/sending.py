"""What an operator says to the customer: checked against the channel, then handed to the conversation."""

from dataclasses import dataclass
from typing import Annotated, Any

from aiohttp import web
from pydantic import Field, model_validator

from core.faults import Invalid, NotFound, Refused
from core.http import answer
from core.ids import AccountId, ConversationId, MediaId, MessageId, parse
from core.postgres import Tx
from core.vocabulary import ChannelKind
from handoff.conversation import store
from handoff.conversation.lifecycle import WrongState
from handoff.desk import reading
from handoff.desk.asking import Desk, Epoch, Sent, asker, path_id, sent
from handoff.desk.reading import SQL
from handoff.desk.sight import sight_of
from messaging.channel import Capabilities
from messaging.content import Content, ContentType
from messaging.delivery import REACHED, Status
from messaging.templates import template, use
from messaging.written import content_from_json

_LONGEST = 65_536
_CAPTION = 1024  # WhatsApp's limit for words under a picture; none of the channels takes fewer

_BY_MIME = {
    "image": ContentType.IMAGE,
    "audio": ContentType.AUDIO,
    "video": ContentType.VIDEO,
}


class NotRetryable(Refused, code="not_retryable"):
    """Only a message that failed, or of which nobody knows, is sent anew."""


class MessageUnknown(NotFound, code="message_unknown"):
    """There is no such message in this conversation."""


class TemplateWanted(Sent):
    """Which template, with which values."""

    name: Annotated[str, Field(min_length=1, max_length=512)]
    language: Annotated[str, Field(min_length=2, max_length=15)]
    parameters: Annotated[list[Annotated[str, Field(max_length=1024)]], Field(max_length=50)] = (
        Field(default_factory=list)
    )


class Draft(Sent):
    """What to say: words, a file with or without words under it, or a template."""

    client_id: Annotated[str, Field(min_length=1, max_length=100)]
    epoch: Epoch
    text: Annotated[str, Field(max_length=_LONGEST)] | None = None
    media_id: Annotated[str, Field(max_length=64)] | None = None
    template: TemplateWanted | None = None

    @model_validator(mode="after")
    def _says_something(self) -> "Draft":
        if self.text is not None and "\0" in self.text:
            raise ValueError("text holds a character that cannot be sent")
        if self.template is not None:
            if self.text is not None or self.media_id is not None:
                raise ValueError("a template goes alone, without text and media_id")
        elif self.media_id is None and not (self.text or "").strip():
            raise ValueError("give text, media_id or template")
        return self


class Again(Sent):
    """A person's decision to send a message anew, under a name of its own."""

    client_id: Annotated[str, Field(min_length=1, max_length=100)]
    epoch: Epoch


@dataclass(frozen=True, slots=True)
class Said:
    """A message as it was said, and what became of it."""

    author: str
    status: str
    failed: bool
    content: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that was handed in."""

    mime: str
    size: int
    usable: bool


@dataclass(frozen=True, slots=True)
class Line:
    """Where a conversation is held."""

    account_id: AccountId | None
    channel: str | None


async def send(request: web.Request) -> web.Response:
    """Say something to the customer; the same `client_id` again is the same message."""
    desk, who = asker(request)
    conversation_id = ConversationId(path_id(request, "cv"))
    draft = await sent(request, Draft)
    async with desk.database.workspace(who.workspace_id, read_only=True) as tx:
        await reading.place(tx, await sight_of(tx, who), conversation_id)
        before = await store.sent_before(tx, conversation_id, draft.client_id)
        wanted = before or await _content(tx, desk, conversation_id, draft)
    if isinstance(wanted, store.Sent):
        # It is answered as it was said, even if it could not be said any more.
        return await _told(request, conversation_id, wanted.seq)
    return await _say(request, conversation_id, draft.client_id, draft.epoch, wanted)


async def retry(request: web.Request) -> web.Response:
    """Say it anew: a failed or unknown message never goes out again by itself."""
    desk, who = asker(request)
    conversation_id = ConversationId(path_id(request, "cv"))
    message_id = MessageId(path_id(request, "ms", "message_id"))
    again = await sent(request, Again)
    async with desk.database.workspace(who.workspace_id, read_only=True) as tx:
        await reading.place(tx, await sight_of(tx, who), conversation_id)
        row = await tx.fetchrow(
            *SQL["said"](
                workspace=who.workspace_id, conversation=conversation_id, message=message_id
            )
        )
    if row is None:
        raise MessageUnknown
    said = Said(**row)
    lost = said.status == Status.UNKNOWN or (said.failed and said.status not in REACHED)
    if said.author != "operator" or not lost:
        raise NotRetryable
    content = content_from_json(said.content)
    return await _say(request, conversation_id, again.client_id, again.epoch, content)


async def _say(
    request: web.Request,
    conversation_id: ConversationId,
    client_id: str,
    epoch: int,
    content: Content,
) -> web.Response:
    desk, who = asker(request)
    placed = await desk.conversations.send(
        who.workspace_id,
        conversation_id,
        by=who.person.person_id,
        by_name=who.person.name,
        epoch=epoch,
        client_key=client_id,
        content=content,
    )
    return await _told(request, conversation_id, placed.seq)


async def _told(request: web.Request, conversation_id: ConversationId, seq: int) -> web.Response:
    desk, who = asker(request)
    async with desk.database.workspace(who.workspace_id, read_only=True) as tx:
        (message,) = await reading.messages(
            tx, [(conversation_id, seq)], desk.media_url(who.workspace_id)
        )
    return answer(message, status=201)


async def _content(tx: Tx, desk: Desk, conversation_id: ConversationId, draft: Draft) -> Content:
    """What is to be said, if the channel can carry it; raises Invalid with what to change."""
    row = await tx.fetchrow(
        *SQL["line_of"](workspace=tx.workspace_id, conversation=conversation_id)
    )
    line = Line(**row) if row is not None else Line(None, None)
    if line.account_id is None or line.channel is None:
        raise WrongState("A call back has no messenger: call the customer.")
    can = desk.capabilities[ChannelKind(line.channel)]
    if draft.template is not None:
        return await _from_template(tx, line.account_id, draft.template)
    if draft.media_id is not None:
        return await _from_upload(tx, can, draft)
    text = (draft.text or "").strip()
    _fits(text, can.max_text)
    return Content(ContentType.TEXT, text=text)


async def _from_template(tx: Tx, account_id: AccountId, wanted: TemplateWanted) -> Content:
    chosen = await template(tx, account_id, wanted.name, wanted.language)
    if not chosen.usable:
        raise _misfit("template", "This template is paused by the messenger; choose another one.")
    if len(wanted.parameters) != len(chosen.parameters):
        raise _misfit(
            "template.parameters", f"This template takes {len(chosen.parameters)} values."
        )
    if any(not value.strip() for value in wanted.parameters):
        raise _misfit("template.parameters", "Fill in every value of the template.")
    return use(chosen, wanted.parameters)


async def _from_upload(tx: Tx, can: Capabilities, draft: Draft) -> Content:
    media_id = MediaId(parse("md", draft.media_id or ""))
    row = await tx.fetchrow(*SQL["upload"](workspace=tx.workspace_id, media=media_id))
    upload = Upload(**row) if row is not None else None
    if upload is None or not upload.usable:
        raise _misfit("media_id", "Upload the file first.")
    family = upload.mime.partition("/")[0]
    most = can.media_limits.get(family, can.media_limits.get("application", 0))
    if upload.size > most:
        raise _misfit("media_id", f"On this messenger such a file may have {most} bytes.")
    caption = (draft.text or "").strip()
    _fits(caption, min(_CAPTION, can.max_text))
    return Content(
        _BY_MIME.get(family, ContentType.DOCUMENT), text=caption or None, media_id=media_id
    )


def _fits(text: str, most: int) -> None:
    if len(text) > most:
        raise _misfit(
            "text",
            f"Shorten the text to {most} characters or send it in parts: it has {len(text)}.",
        )


def _misfit(path: str, message: str) -> Invalid:
    return Invalid(message, errors=[{"path": path, "message": message}])
