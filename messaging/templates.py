"""Messages that a provider approved beforehand, needed outside the window."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import structlog

from core.faults import NotFound
from core.ids import AccountId, MessageId, new_id
from core.postgres import Tx
from core.queries import load
from messaging.content import Content, ContentType, TemplateUse

log = structlog.get_logger()
SQL = load(Path(__file__).with_name("templates.sql"))

_PLACE = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_DISABLED = "132016"  # Meta: paused too often, and now for good


class TemplateState(StrEnum):
    """May it be sent?"""

    APPROVED = "approved"
    PAUSED = "paused"
    DISABLED = "disabled"


class TemplateUnknown(NotFound, code="template_unknown"):
    """There is no template with this name and language on this account."""


@dataclass(frozen=True, slots=True)
class TemplateDraft:
    """A template as a workspace file describes it."""

    account_id: AccountId
    name: str
    language: str
    body: str
    category: str = "utility"
    footer: str | None = None
    parameters: Sequence[str] = ()
    buttons: Sequence[str] = ()
    ttl_s: int | None = None


@dataclass(frozen=True, slots=True)
class Template:
    """A template in one language. `parameters` are the names of its places, in order."""

    template_id: str
    account_id: AccountId
    name: str
    language: str
    category: str
    body: str
    footer: str | None
    parameters: Sequence[str]
    buttons: Sequence[str]
    ttl_s: int | None
    state: str

    @property
    def usable(self) -> bool:
        """May it be sent now?"""
        return self.state == TemplateState.APPROVED

    @property
    def named(self) -> bool:
        """Names instead of positions: the wire then carries the names too."""
        return any(not name.isdigit() for name in self.parameters)


async def put_template(tx: Tx, draft: TemplateDraft) -> None:
    """Make it so, whether or not it exists."""
    await tx.execute(
        *SQL["put_template"](
            workspace=tx.workspace_id,
            template_id=new_id(),
            account_id=draft.account_id,
            name=draft.name,
            language=draft.language,
            category=draft.category,
            body=draft.body,
            footer=draft.footer,
            parameters=list(draft.parameters),
            buttons=list(draft.buttons),
            ttl_s=draft.ttl_s,
        )
    )


async def template(tx: Tx, account_id: AccountId, name: str, language: str) -> Template:
    """One template; raises TemplateUnknown."""
    row = await tx.fetchrow(
        *SQL["template"](
            workspace=tx.workspace_id, account_id=account_id, name=name, language=language
        )
    )
    if row is None:
        raise TemplateUnknown
    return Template(**row)


async def templates(tx: Tx, account_id: AccountId) -> Sequence[Template]:
    """Every template of an account."""
    rows = await tx.fetch(*SQL["templates"](workspace=tx.workspace_id, account_id=account_id))
    return [Template(**row) for row in rows]


def render(chosen: Template, parameters: Sequence[str]) -> str:
    """The words as the customer reads them, with the values in their places."""
    if len(parameters) != len(chosen.parameters):
        raise ValueError(f"{chosen.name} takes {len(chosen.parameters)} values")
    values: Mapping[str, str] = dict(zip(chosen.parameters, parameters, strict=True))
    body = _PLACE.sub(lambda place: values.get(place[1], place[0]), chosen.body)
    return f"{body}\n\n{chosen.footer}" if chosen.footer else body


def use(
    chosen: Template,
    parameters: Sequence[str],
    *,
    button_payloads: Sequence[str] = (),
    ttl_s: int | None = None,
) -> Content:
    """A message made from a template, its text as the customer will read it."""
    return Content(
        type=ContentType.TEMPLATE,
        text=render(chosen, parameters),
        template=TemplateUse(
            name=chosen.name,
            language=chosen.language,
            parameters=tuple(parameters),
            button_payloads=tuple(button_payloads),
            ttl_s=ttl_s if ttl_s is not None else chosen.ttl_s,
            parameter_names=tuple(chosen.parameters) if chosen.named else (),
        ),
    )


async def stopped_by_provider(tx: Tx, message_id: MessageId, code: str) -> None:
    """A message was refused because its template is paused or disabled: stop offering with it."""
    state = TemplateState.DISABLED if code == _DISABLED else TemplateState.PAUSED
    row = await tx.fetchrow(
        *SQL["stop_template_of"](
            workspace=tx.workspace_id, message_id=message_id, state=state.value, code=code
        )
    )
    if row is not None:
        log.error("template.stopped", name=row["name"], language=row["language"], code=code)
