"""Between the conversation's row and the engine: what was said as turns, and what came of them."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import structlog

from handoff.conversation.model import Conversation
from handoff.triage.flow import Flow
from handoff.triage.says import Say, merged
from handoff.triage.state import (
    BotState,
    Choice,
    Continue,
    Handoff,
    Media,
    Reason,
    Step,
    Text,
    Turn,
)
from handoff.triage.turns import surrender, take_turn

log = structlog.get_logger()


def played(flow: Flow, conversation: Conversation) -> Step:
    """Every turn of the burst, one after the other, until somebody else holds the conversation."""
    saved = None if conversation.bot_state is None else json.dumps(conversation.bot_state)
    said: list[Say] = []
    step: Step | None = None
    for turn in turns_of(conversation.heard):
        step = take_turn(
            flow,
            saved,
            turn,
            language=conversation.language,
            context=context_of(conversation.card),
        )
        said.extend(step.says)
        saved = step.state.to_json()
        if not isinstance(step.outcome, Continue):
            break
    if step is None:
        raise ValueError("a turn in which nothing was said")
    return replace(step, says=merged(said))


def turns_of(heard: Sequence[Mapping[str, str]]) -> Iterator[Turn]:
    """What was said, as the engine takes it: texts side by side are one, taps are turns of their own,
    and a picture beside words adds nothing to them.
    """
    texts: list[str] = []
    media: str | None = None
    for words in heard:
        if "choice" in words:
            yield from _said(texts, media)
            texts, media = [], None
            yield Choice(words["choice"])
        elif "text" in words:
            texts.append(words["text"])
        else:
            media = media or words["media"]
    yield from _said(texts, media)


def _said(texts: Sequence[str], media: str | None) -> Iterator[Turn]:
    if texts:
        yield Text("\n".join(texts))
    elif media is not None:
        yield Media(media)


def context_of(card: Mapping[str, Any] | None) -> dict[str, str]:
    """What a flow may say about the call."""
    if card is None:
        return {}
    line = card.get("line") or {}
    path = card.get("ivr_path") or ()
    known = {
        "line": line.get("title") or line.get("number"),
        "ivr_path": " / ".join(str(step) for step in path),
        **{name: card.get(name) for name in ("brand", "digits", "intent", "name")},
    }
    return {name: str(value) for name, value in known.items() if value}


def remembered(conversation: Conversation, step: Step) -> Conversation:
    """The conversation after the bot's turn, wherever it goes next."""
    return replace(
        conversation,
        heard=(),
        heard_since=None,
        bot_answered=conversation.bot_answered or bool(step.says),
        bot_state=json.loads(step.state.to_json()),
        language=step.state.language or conversation.language,
        tags=union(conversation.tags, step.state.tags),
        topic=step.state.topic or conversation.topic,
    )


def lost(conversation: Conversation) -> Step:
    """The step of a bot that cannot go on with this conversation."""
    state = BotState(version=conversation.flow_version or "", language=conversation.language)
    if conversation.bot_state is not None:
        try:
            state = BotState.from_json(json.dumps(conversation.bot_state))
        except ValueError:
            log.warning("bot.state_unread", conversation_id=str(conversation.conversation_id))
    return surrender(state)


def summary(step: Step) -> dict[str, Any]:
    """What the bot learnt, for whoever takes over."""
    state, outcome = step.state, step.outcome
    path = [*state.history, *([state.node] if state.node else [])]
    reason = outcome.reason if isinstance(outcome, Handoff) else Reason.FAULT
    return {
        "language": state.language,
        "slots": dict(state.slots),
        "path": path,
        "reason": reason.value,
    }


def union(one: Sequence[str], other: Sequence[str]) -> tuple[str, ...]:
    """Both, each once, in order."""
    return tuple(dict.fromkeys([*one, *other]))
