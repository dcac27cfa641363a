"""The workspace file as a whole: its parts, and that each refers to what is there."""

from typing import Annotated, Any, Self
from zoneinfo import available_timezones

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from config.workspaces.channels import ChannelPart
from config.workspaces.fitting import channels_fit, openings_fit
from config.workspaces.parts import (
    FlowPart,
    LanguageCode,
    LinePart,
    PersonPart,
    QueuePart,
    TemplatePart,
    WebhookPart,
    WorkspacePart,
)
from core.vocabulary import phone_number
from ivr_bridge.guard import WorkspaceBudget
from ivr_bridge.policy.keeping import doubts
from ivr_bridge.reports.savings import Costs


class WorkspaceFile(BaseModel):
    """Everything a tenant has."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    workspace: WorkspacePart
    languages: list[LanguageCode] = Field(min_length=1)
    timezone: str
    budget: WorkspaceBudget = WorkspaceBudget()
    channels: list[ChannelPart] = []
    templates: list[TemplatePart] = []
    flows: list[FlowPart] = []
    queues: list[QueuePart] = []
    lines: list[LinePart] = []
    people: list[PersonPart] = []
    webhooks: list[WebhookPart] = []
    do_not_contact: list[Annotated[str, Field(pattern=r"^\+[0-9]{2,15}\*?$")]] = Field(
        [], max_length=100_000
    )
    """Numbers to which no call is moved: whole, or as a beginning with a star (`+7916*`)."""
    costs: Costs | None = None
    """What the report `savings` reckons with: `{voice_minute: 4.5, message: 2.1, currency: RUB}`."""

    @field_validator("do_not_contact")
    @classmethod
    def _are_whole_or_beginnings(cls, numbers: list[str]) -> list[str]:
        for number in numbers:
            if not number.endswith("*") and phone_number(number) is None:
                raise ValueError(f"{number!r} is no whole number; a beginning is written {number}*")
        return numbers

    @field_validator("timezone")
    @classmethod
    def _is_a_zone(cls, zone: str) -> str:
        if zone not in available_timezones():
            raise ValueError(f"{zone!r} is no IANA time zone; write it as Europe/Moscow")
        return zone

    @model_validator(mode="after")
    def _returns_are_known(self) -> Self:
        for line in self.lines:
            _return_is_known(line, self)
        return self

    @model_validator(mode="after")
    def _refers_to_what_is_there(self) -> Self:
        channels = _names("channels", [part.name for part in self.channels])
        flows = _names("flows", [part.name for part in self.flows])
        queues = _names("queues", [part.name for part in self.queues])
        _names("lines", [part.name for part in self.lines])
        _names("webhooks", [part.name for part in self.webhooks])
        _names("people", [part.email.lower() for part in self.people])
        _names("lines.numbers", [number for line in self.lines for number in line.numbers])
        templates = {(part.channel, part.name, part.language[:2]): part for part in self.templates}
        for template in self.templates:
            _known("templates.channel", template.channel, channels)
        kinds = {part.name: part.kind for part in self.channels}
        for line in self.lines:
            _known(f"lines.{line.name}.channel", line.channel, channels)
            channels_fit(line, kinds)
            _known(f"lines.{line.name}.flow", line.flow, flows)
            for queue in filter(None, (line.queue, line.callback_queue)):
                _known(f"lines.{line.name}.queue", queue, queues)
            openings_fit(line, templates)
            _check_policy(line)
        for person in self.people:
            for queue in person.queues:
                _known(f"people.{person.email}.queues", queue, queues)
        return self


def _check_policy(line: LinePart) -> None:
    for name, policy in (("policy", line.policy), ("shadow", line.shadow)):
        for doubt in doubts(policy, line.consent.prompt_version) if policy else ():
            raise ValueError(f"lines.{line.name}.{name}.{doubt.place}: {doubt.why}")


def _return_is_known(line: LinePart, file: WorkspaceFile) -> None:
    """A return goes to a queue and a dialler of this file."""
    back, where = line.return_to_voice, f"lines.{line.name}.return_to_voice"
    if back is not None and back.queue is not None:
        _known(f"{where}.queue", back.queue, {part.name for part in file.queues})
    if back is not None and back.webhook is not None:
        _known(f"{where}.webhook", back.webhook, {part.name for part in file.webhooks})


def schema() -> dict[str, Any]:
    """The file's JSON Schema: what an editor completes and checks by."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **WorkspaceFile.model_json_schema(),
        "title": "IVR Bridge workspace",
    }


def _names(where: str, names: list[str]) -> set[str]:
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise ValueError(f"{where}: {', '.join(sorted(twice))} stands twice")
    return set(names)


def _known(where: str, name: str, known: set[str]) -> None:
    if name not in known:
        raise ValueError(f"{where}: there is no {name!r} in this file")
