"""The one door for a conversation: a turn goes in, and whatever breaks, people take over."""

from collections.abc import Mapping
from dataclasses import replace

import structlog

from handoff.triage.engine import begin, call_card, step
from handoff.triage.flow import Flow
from handoff.triage.phrases import phrase
from handoff.triage.says import Say
from handoff.triage.state import BotState, Handoff, Over, Reason, Step, Turn

log = structlog.get_logger()


def take_turn(
    flow: Flow,
    saved: str | None,
    turn: Turn,
    *,
    language: str = "",
    context: Mapping[str, str] | None = None,
) -> Step:
    """What the bot does now. `saved` is the last step's `state.to_json()`, None before the first;
    `language` counts only then. `context` is the call card as it stands, for a caller may call
    again. Never raises: a fault hands over.
    """
    state: BotState | None = None
    try:
        if saved is None:
            state = begin(flow, language=language, context=context or {})
        else:
            state = BotState.from_json(saved)
            if context:
                state = replace(state, context=call_card(context))
        return step(flow, state, turn)
    except Exception as error:  # noqa: BLE001 - a failing bot must open the chat to operators
        # The words of an exception may quote the customer: only its type is written down.
        log.error("triage.turn_failed", flow=flow.flow, error=type(error).__name__)  # noqa: TRY400
        return surrender(state or BotState(version="", language=language))


def surrender(state: BotState) -> Step:
    """The step of a bot that cannot go on: it says so and gives the conversation to people."""
    return Step(
        replace(state, over=Over.HANDOFF),
        (Say(phrase("handing_over", state.language)),),
        Handoff(None, None, 0, state.tags, Reason.FAULT, state.topic),
        ("fault",),
    )
