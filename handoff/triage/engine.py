"""The bot's mind as a pure function: a flow, a state and a turn in; a step out. No clock, no I/O."""

from collections.abc import Mapping
from dataclasses import replace
from typing import assert_never

from handoff.triage.commands import Command, CommandKind
from handoff.triage.flow import CALL_CARD, Flow, MenuNode, SlotNode
from handoff.triage.play import Play
from handoff.triage.state import (
    BotState,
    Choice,
    Closing,
    Continue,
    End,
    Media,
    Outcome,
    Reason,
    Started,
    Step,
    Text,
    Turn,
)
from handoff.triage.understanding import (
    Again,
    Filled,
    Goto,
    Meaning,
    Missed,
    NotMe,
    Wrong,
    slot_value,
    understand,
)


def begin(flow: Flow, *, language: str, context: Mapping[str, str]) -> BotState:
    """The state before the customer's first message, with what the call card already knows."""
    spoken = language if language in flow.languages else flow.languages[0]
    return BotState(version=flow.version, language=spoken, context=call_card(context))


def call_card(context: Mapping[str, str]) -> dict[str, str]:
    """What of the call a flow may use: nothing else is remembered with the conversation."""
    return {name: value for name, value in context.items() if name in CALL_CARD and value}


def step(flow: Flow, state: BotState, turn: Turn) -> Step:
    """What the bot does about this turn. After a handoff or an end it is silent."""
    if state.over is not None or isinstance(turn, Started):
        return Step(state, (), Continue(), ("silent",))
    play = Play(flow, state)
    if state.version != flow.version:
        # The pinned version was recalled: its nodes and buttons may be gone.
        return play.step(play.hand_over(Reason.VERSION))
    play.state = replace(state, turns=state.turns + 1)
    meaning = understand(flow, state, turn, first=state.node is None)
    if state.node is None and not _refusal(meaning):
        outcome = _greet(play, turn, meaning)
    else:
        outcome = _apply(play, meaning)
    if isinstance(outcome, Continue) and play.state.turns > flow.limits.max_bot_turns:
        play.spoken.clear()
        outcome = play.hand_over(Reason.TURNS)
    return play.step(outcome)


def _refusal(meaning: Meaning) -> bool:
    """Whether a first message wants no conversation, so that greeting it would be rude."""
    return isinstance(meaning, NotMe) or meaning == Command(CommandKind.STOP)


def _greet(play: Play, turn: Text | Choice | Media, alone: Meaning) -> Outcome:
    """The greeting, and in the same breath the answer to whatever the first message asked: `alone`
    is what it meant before the bot stood anywhere, and it may mean more where the greeting leads.
    """
    called = play.state.context.keys() - {"name"}
    outcome = play.enter((None if called else play.flow.start_without_call) or play.flow.start)
    entry = play.flow.entry.get(play.state.context.get("intent", ""))
    if entry and isinstance(outcome, Continue):
        # The caller told the IVR what it is about: they are not asked again.
        outcome = play.enter(entry)
    if isinstance(outcome, End) and alone == Command(CommandKind.OPERATOR):
        # The flow says goodbye without listening, but whoever asks for people gets them.
        play.state = replace(play.state, over=None)
        return _apply(play, alone)
    if not isinstance(outcome, Continue):
        return outcome
    meaning = understand(play.flow, play.state, turn, first=True)
    match meaning:
        case Again() | Missed(unreadable=False) | Wrong(card=False):
            return outcome
        case Missed(unreadable=True):
            play.say("t.cannot_read")
            return outcome
        case Goto():
            # Nothing was asked yet, so there is no open slot to come back to.
            return _apply(play, replace(meaning, digression=False))
        case _:
            return _apply(play, meaning)


def _apply(play: Play, meaning: Meaning) -> Outcome:
    match meaning:
        case Command():
            return _obey(play, meaning)
        case Goto():
            return _go(play, meaning)
        case Filled(value=value):
            return _fill(play, value)
        case Wrong(card=card):
            return _ask_again(play, card=card)
        case Again(outdated=outdated):
            if outdated:
                play.trace.append("outdated")
                play.say("t.outdated")
            return play.show()
        case NotMe():
            play.say("t.not_me")
            return play.end(Closing.NOT_ME)
        case Missed(unreadable=unreadable):
            return _miss(play, unreadable=unreadable)
        case _:
            assert_never(meaning)


def _obey(play: Play, asked: Command) -> Outcome:
    play.trace.append(f"command:{asked.kind}")
    play.state = replace(play.state, misses=0)
    match asked.kind:
        case CommandKind.OPERATOR:
            return play.hand_over(Reason.ASKED)
        case CommandKind.STOP:
            play.say("t.stopped")
            return play.end(Closing.STOPPED)
        case CommandKind.MENU:
            play.state = replace(play.state, resume=None)
            return play.enter(play.flow.main_menu)
        case CommandKind.BACK:
            play.state = replace(play.state, resume=None)
            return play.back()
        case CommandKind.LANGUAGE:
            return _speak(play, asked.language)
        case _:
            assert_never(asked.kind)


def _speak(play: Play, language: str | None) -> Outcome:
    if language not in play.flow.languages:
        return play.offer_languages()
    play.state = replace(play.state, language=language)
    play.say("t.language_changed")
    return play.show()


def _go(play: Play, goto: Goto) -> Outcome:
    flow, state = play.flow, play.state
    play.trace.append(goto.why)
    play.tag(goto.tag)
    here = flow.nodes[state.node] if state.node else None
    resume = None if goto.menu else state.resume
    if goto.digression and resume is None and isinstance(here, SlotNode):
        resume = state.node
    play.state = replace(play.state, misses=0, resume=resume, topic=goto.topic or play.state.topic)
    spoken = list(play.spoken)
    outcome = play.enter(goto.target)
    now = flow.nodes.get(play.state.node or "")
    if isinstance(outcome, Continue) and goto.text and isinstance(now, SlotNode) and now.match:
        # `where is my order 12345678` answers what would be asked next.
        found = slot_value(now, goto.text)
        if isinstance(found, Filled):
            play.spoken = spoken
            return _fill(play, found.value)
    return outcome


def _fill(play: Play, value: str) -> Outcome:
    node = play.flow.nodes[play.state.node or ""]
    if not isinstance(node, SlotNode):
        return play.show()
    play.trace.append(f"slot:{node.slot}")
    slots = {**play.state.slots, node.slot: value}
    play.state = replace(play.state, slots=slots, misses=0, retries=0)
    return play.enter(node.next)


def _ask_again(play: Play, *, card: bool) -> Outcome:
    node = play.flow.nodes[play.state.node or ""]
    if not isinstance(node, SlotNode):
        return play.show()
    retries = play.state.retries + 1
    play.trace.append(f"retry:{retries}")
    if card:
        play.say("t.no_cards")
    if retries > node.retries:
        return play.enter(node.otherwise)
    play.state = replace(play.state, retries=retries)
    if node.retry and not card:
        play.say(node.retry)
        play.prompt = []
        return Continue()
    if not card:
        play.say("t.retry")
    return play.show()


def _miss(play: Play, *, unreadable: bool) -> Outcome:
    """The ladder: rephrase beside the menu, then people."""
    misses = play.state.misses + 1
    play.state = replace(play.state, misses=misses)
    play.trace.append(f"miss:{misses}")
    if misses >= play.flow.limits.max_misses:
        return play.hand_over(Reason.MISSES)
    play.say("t.cannot_read" if unreadable else "t.rephrase")
    here = play.flow.nodes.get(play.state.node or "")
    if isinstance(here, MenuNode):
        return play.show()
    # Asking `did it help` once more, with the whole answer before it, would help nobody.
    return play.enter(play.flow.main_menu)
