"""A flow's texts with the customer's and the call's values in them."""

import re
from collections.abc import Iterator

from handoff.triage.flow import Flow
from handoff.triage.phrases import FALLBACK, PHRASES
from handoff.triage.says import clip
from handoff.triage.state import BotState

VARIABLE = re.compile(r"\{([a-z][a-z0-9_]*)(?:\|([^{}]*))?\}")
MAX_VALUE = 200


def text_of(flow: Flow, ref: str, language: str) -> str:
    """A text as written, in this language or else in the flow's first."""
    name = ref.removeprefix("t.")
    for spoken in (language, flow.languages[0]):
        if name in flow.texts.get(spoken, {}):
            return flow.texts[spoken][name]
    return PHRASES.get(language, PHRASES[FALLBACK])[name]


def render(flow: Flow, ref: str, state: BotState) -> str:
    """A text as the customer reads it: `{order_no}` is a slot or the call's, `{line|us}` has a default."""

    def value(found: re.Match[str]) -> str:
        known = state.slots.get(found[1]) or state.context.get(found[1]) or found[2] or ""
        return clip(" ".join(known.split()), MAX_VALUE)

    return VARIABLE.sub(value, text_of(flow, ref, state.language)).strip()


def variables(text: str) -> Iterator[tuple[str, bool]]:
    """The variables in a text, and whether each has a default."""
    return ((found[1], found[2] is not None) for found in VARIABLE.finditer(text))


def loose_braces(text: str) -> bool:
    """Whether a brace stands outside a variable, which is a variable misspelt."""
    return bool(re.search(r"[{}]", VARIABLE.sub("", text)))
