"""Does a line that somebody wants fit the channels, flows and templates that there are?"""

from collections.abc import Iterator

from core.vocabulary import ChannelKind
from ivr_bridge.admin.documents import Choices, LineWanted, OpeningWanted, TemplateChoice
from ivr_bridge.evidence import Confirm
from ivr_bridge.policy.keeping import doubts

SEEN_AT_ONCE_S = 60
"""The longest time to live of a message that must be seen while its reader still waits."""
LONGEST_TTL_S = 30 * 86_400
"""Meta's default, where a template says nothing."""

Misfit = tuple[str, str]
"""Where it is, and what is wrong there."""


def misfits(wanted: LineWanted, choices: Choices) -> Iterator[Misfit]:
    """What a person has to change before this line can be kept."""
    if wanted.account not in choices.accounts:
        yield "line.account", f"There is no channel account {wanted.account!r}."
    if wanted.flow not in choices.flows:
        yield "line.flow", f"There is no flow {wanted.flow!r}."
    for path, queue in (("queue", wanted.queue), ("callback_queue", wanted.callback_queue)):
        if queue is not None and queue not in choices.queues:
            yield f"line.{path}", f"There is no queue {queue!r}."
    yield from _openings(wanted, wanted.account, wanted.confirm, choices)
    yield from _channels(wanted, choices)
    terms = wanted.terms
    for name, policy in (("policy", terms.policy), ("shadow", terms.shadow)):
        for place, why in doubts(policy, wanted.consent.prompt_version) if policy else ():
            yield f"line.terms.{name}.{place}", f"{why[0].upper()}{why[1:]}."


def _channels(wanted: LineWanted, choices: Choices) -> Iterator[Misfit]:
    rescue = wanted.terms.rescue.channel
    if rescue is not None and choices.kinds.get(rescue) != ChannelKind.SMS:
        yield "line.terms.rescue.channel", f"There is no SMS channel {rescue!r}."
    for place, use in enumerate(wanted.terms.channels):
        path = f"line.terms.channels.{place}"
        if use.channel not in choices.kinds:
            yield f"{path}.channel", f"There is no channel account {use.channel!r}."
        elif (choices.kinds[use.channel] == ChannelKind.SMS) != bool(use.text):
            yield f"{path}.text", "An SMS channel needs its text, and only an SMS channel."
        elif not use.text:
            yield from _openings(wanted, use.channel, use.confirm or wanted.confirm, choices)


def _openings(
    wanted: LineWanted, account: str, confirm: Confirm, choices: Choices
) -> Iterator[Misfit]:
    templates = {
        (each.name, each.language[:2]): each
        for each in choices.templates
        if each.account == account
    }
    for language, use in wanted.opening.items():
        path = f"line.opening.{language}"
        template = templates.get((use.template, language))
        if template is None:
            yield path, f"{account!r} has no template {use.template!r} in this language."
        else:
            yield from _fits(path, use, template, confirm)


def _fits(
    path: str, use: OpeningWanted, template: TemplateChoice, confirm: Confirm
) -> Iterator[Misfit]:
    if template.parameters != len(use.parameters):
        yield path, f"{use.template!r} takes {template.parameters} values."
    # The Cloud API takes no time to live with a message: it is the template's own, set at Meta
    # (…/whatsapp/templates/time-to-live).
    if confirm is Confirm.DELIVERED and (template.ttl_s or LONGEST_TTL_S) > SEEN_AT_ONCE_S:
        late = (
            f"The line asks for a message that is seen at once (delivered), and {use.template!r} may"
            f" arrive much later: give it a time to live of {SEEN_AT_ONCE_S} s at Meta, and in the"
            " workspace file's template."
        )
        yield path, late
