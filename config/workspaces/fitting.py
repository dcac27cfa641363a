"""Does a line of the file fit the channels and templates that stand beside it?"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from core.vocabulary import ChannelKind
from ivr_bridge.admin.fitting import LONGEST_TTL_S, SEEN_AT_ONCE_S

if TYPE_CHECKING:
    from config.workspaces.parts import LinePart, OpeningPart, TemplatePart

Templates = Mapping[tuple[str, str, str], "TemplatePart"]


def openings_fit(line: "LinePart", templates: Templates) -> None:
    """Every language has its template, with as many values as it takes; raises ValueError."""
    _open_on(line, line.channel, line.confirm, templates)
    for use in line.channels:
        if not use.text:
            _open_on(line, use.channel, use.confirm or line.confirm, templates)


def channels_fit(line: "LinePart", kinds: Mapping[str, ChannelKind]) -> None:
    """What a line names as its channels is one, and of the kind that it needs; raises ValueError."""
    rescue = line.rescue.channel
    if rescue is not None and kinds.get(rescue) is not ChannelKind.SMS:
        raise ValueError(f"lines.{line.name}.rescue.channel: there is no SMS channel {rescue!r}")
    for use in line.channels:
        where = f"lines.{line.name}.channels.{use.channel}"
        if use.channel not in kinds:
            raise ValueError(f"{where}: there is no such channel in this file")
        if (kinds[use.channel] is ChannelKind.SMS) != bool(use.text):
            raise ValueError(f"{where}: an SMS channel needs its `text`, and only an SMS channel")


def _open_on(line: "LinePart", channel: str, confirm: str, templates: Templates) -> None:
    for language, opening in line.opening.items():
        where = f"lines.{line.name}.opening.{language}"
        chosen = templates.get((channel, opening.template, language))
        if chosen is None:
            raise ValueError(
                f"{where}: no template {opening.template!r} in this language on channel {channel!r}"
            )
        _takes(where, chosen, opening)
        if confirm == "delivered":
            _is_seen_at_once(line, chosen)


def _takes(where: str, chosen: "TemplatePart", opening: "OpeningPart") -> None:
    if len(chosen.parameters) != len(opening.parameters):
        raise ValueError(
            f"{where}: {opening.template!r} takes {len(chosen.parameters)} parameters, not"
            f" {len(opening.parameters)}"
        )


def _is_seen_at_once(line: "LinePart", chosen: "TemplatePart") -> None:
    """The Cloud API takes no time to live with a message: it is the template's own, set at Meta
    (…/whatsapp/templates/time-to-live), and this file repeats it.
    """
    if (chosen.ttl_s or LONGEST_TTL_S) > SEEN_AT_ONCE_S:
        raise ValueError(
            f"lines.{line.name}.confirm: delivered asks for a message that is seen at once; give"
            f" template {chosen.name!r} ({chosen.language}) a time to live of {SEEN_AT_ONCE_S} s at"
            f" Meta, and `ttl_s: {SEEN_AT_ONCE_S}` here"
        )
