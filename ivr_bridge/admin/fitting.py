"""Does a line that somebody wants fit the channels, flows and templates that there are?"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from core.vocabulary import ChannelKind
from ivr_bridge.admin.documents import Choices, LineWanted, OpeningWanted, TemplateChoice
from ivr_bridge.evidence import Confirm
from ivr_bridge.policy.keeping import doubts

SEEN_AT_ONCE_S = 60
"""The longest time to live of a message that must be seen while its reader still waits."""
LONGEST_TTL_S = 30 * 86_400
"""Meta's default, where a template says nothing."""


@dataclass(frozen=True, slots=True)
class Misfit:
    """Where something is wrong, and what: in words, and as pages know it that have words of their own."""

    path: str
    code: str
    message: str
    facts: Mapping[str, str | int] = field(default_factory=dict)


def misfits(wanted: LineWanted, choices: Choices) -> Iterator[Misfit]:
    """What a person has to change before this line can be kept."""
    if wanted.account not in choices.accounts:
        yield _no_account("line.account", wanted.account)
    if wanted.flow not in choices.flows:
        why = f"There is no flow {wanted.flow!r}."
        yield Misfit("line.flow", "flow_unknown", why, {"name": wanted.flow})
    for path, queue in (("queue", wanted.queue), ("callback_queue", wanted.callback_queue)):
        if queue is not None and queue not in choices.queues:
            why = f"There is no queue {queue!r}."
            yield Misfit(f"line.{path}", "queue_unknown", why, {"name": queue})
    yield from _openings(wanted, wanted.account, wanted.confirm, choices)
    yield from _channels(wanted, choices)
    terms = wanted.terms
    for name, policy in (("policy", terms.policy), ("shadow", terms.shadow)):
        for doubt in doubts(policy, wanted.consent.prompt_version) if policy else ():
            why = f"{doubt.why[0].upper()}{doubt.why[1:]}."
            yield Misfit(f"line.terms.{name}.{doubt.place}", doubt.code, why, doubt.facts)


def _channels(wanted: LineWanted, choices: Choices) -> Iterator[Misfit]:
    rescue = wanted.terms.rescue.channel
    if rescue is not None and choices.kinds.get(rescue) != ChannelKind.SMS:
        why = f"There is no SMS channel {rescue!r}."
        yield Misfit("line.terms.rescue.channel", "sms_account_unknown", why, {"name": rescue})
    for place, use in enumerate(wanted.terms.channels):
        path = f"line.terms.channels.{place}"
        if use.channel not in choices.kinds:
            yield _no_account(f"{path}.channel", use.channel)
        elif (choices.kinds[use.channel] == ChannelKind.SMS) != bool(use.text):
            why = "An SMS channel needs its text, and only an SMS channel."
            yield Misfit(f"{path}.text", "sms_text", why)
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
            why = f"{account!r} has no template {use.template!r} in this language."
            about = {"account": account, "template": use.template}
            yield Misfit(path, "template_unknown", why, about)
        else:
            yield from _fits(path, use, template, confirm)


def _fits(
    path: str, use: OpeningWanted, template: TemplateChoice, confirm: Confirm
) -> Iterator[Misfit]:
    if template.parameters != len(use.parameters):
        why = f"{use.template!r} takes {template.parameters} values."
        about: dict[str, str | int] = {"template": use.template, "n": template.parameters}
        yield Misfit(path, "values_wrong", why, about)
    # The Cloud API takes no time to live with a message: it is the template's own, set at Meta
    # (…/whatsapp/templates/time-to-live).
    if confirm is Confirm.DELIVERED and (template.ttl_s or LONGEST_TTL_S) > SEEN_AT_ONCE_S:
        late = (
            f"The line asks for a message that is seen at once (delivered), and {use.template!r} may"
            f" arrive much later: give it a time to live of {SEEN_AT_ONCE_S} s at Meta, and in the"
            " workspace file's template."
        )
        about = {"template": use.template, "seconds": SEEN_AT_ONCE_S}
        yield Misfit(path, "template_late", late, about)


def _no_account(path: str, name: str) -> Misfit:
    why = f"There is no channel account {name!r}."
    return Misfit(path, "account_unknown", why, {"name": name})
