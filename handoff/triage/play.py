"""One turn being played: where the customer goes, what is said on the way, and when people take over."""

from dataclasses import replace

from handoff.triage.commands import CommandKind
from handoff.triage.flow import (
    AnswerNode,
    EndNode,
    Flow,
    HandoffNode,
    HandoffTarget,
    MenuNode,
    Node,
    SayNode,
    SlotNode,
    VoiceNode,
)
from handoff.triage.phrases import LANGUAGE_NAMES
from handoff.triage.says import MAX_BODY, MAX_BUTTONS, Say, merged, width
from handoff.triage.state import (
    MAX_HISTORY,
    BotState,
    Closing,
    Continue,
    End,
    Handoff,
    Outcome,
    Over,
    Reason,
    Step,
)
from handoff.triage.understanding import NO, YES, command_id, option_id
from handoff.triage.wording import render
from messaging.content import Option


class Play:
    """The moves of one turn. Mutable while the turn lasts; `step` freezes the result."""

    def __init__(self, flow: Flow, state: BotState) -> None:
        self.flow = flow
        self.state = state
        self.spoken: list[Say] = []
        self.prompt: list[Say] = []
        self.trace: list[str] = []

    def step(self, outcome: Outcome) -> Step:
        """The turn as it ended."""
        return Step(self.state, merged([*self.spoken, *self.prompt]), outcome, tuple(self.trace))

    # -- saying ------------------------------------------------------------------------------------

    def say(self, ref: str) -> None:
        """A text of the flow, or one of the bot's own phrases."""
        self.spoken.append(Say(render(self.flow, ref, self.state)))

    def show(self) -> Outcome:
        """What the customer is asked where they are."""
        name = self.state.node or self.flow.start
        self.prompt = self._prompt(name, self.flow.nodes[name])
        return Continue()

    def offer_languages(self) -> Outcome:
        """The languages of the flow as buttons that work at any time."""
        options = tuple(
            Option(command_id(CommandKind.LANGUAGE, code), LANGUAGE_NAMES.get(code, code.upper()))
            for code in self.flow.languages
        )
        self.prompt = self._choices(
            render(self.flow, "t.language_pick", self.state),
            options,
            opener="t.list_button" if len(options) > MAX_BUTTONS else None,
        )
        return Continue()

    def _prompt(self, name: str, node: Node) -> list[Say]:
        match node:
            case MenuNode():
                options = tuple(
                    Option(
                        option_id(name, option.id),
                        render(self.flow, option.text, self.state),
                        render(self.flow, option.description, self.state)
                        if option.description
                        else None,
                    )
                    for option in node.options
                )
                opener = (node.list_button or "t.list_button") if node.is_list else None
                return self._choices(render(self.flow, node.menu, self.state), options, opener)
            case AnswerNode():
                helped = tuple(
                    Option(option_id(name, key), render(self.flow, f"t.helped_{key}", self.state))
                    for key in (YES, NO)
                )
                question = Say(render(self.flow, "t.helped", self.state), helped)
                return [Say(render(self.flow, node.answer, self.state)), question]
            case SlotNode():
                return [Say(render(self.flow, node.ask, self.state))]
            case _:
                return []

    def _choices(self, body: str, options: tuple[Option, ...], opener: str | None) -> list[Say]:
        """Options as buttons, or as a list when there is a label to open it."""
        label = render(self.flow, opener, self.state) if opener else None
        if width(body) <= MAX_BODY:
            return [Say(body, options, label)]
        # A value may have made the text too long for a body with buttons: it then goes first.
        return [Say(body), Say(render(self.flow, "t.pick", self.state), options, label)]

    # -- moving ------------------------------------------------------------------------------------

    def enter(self, name: str) -> Outcome:
        """Go to a node and on, until the customer is asked something or the bot is done."""
        self.prompt = []
        while True:
            node = self.flow.nodes[name]
            self.tag(node.tag)
            self.trace.append(f"enter:{name}")
            if isinstance(node, HandoffNode):
                return self.hand_over(Reason.FLOW, name)
            if isinstance(node, VoiceNode):
                return self.hand_over(Reason.VOICE, name)
            if isinstance(node, EndNode):
                if self.state.resume is None:
                    return self._end_at(node)
                name, self.state = self.state.resume, replace(self.state, resume=None)
                self.say("t.resuming")
                continue
            visits = self.state.visits.get(name, 0) + 1
            if visits > self.flow.limits.max_visits_per_node:
                return self.hand_over(Reason.VISITS)
            self.state = replace(self.state, visits={**self.state.visits, name: visits})
            if isinstance(node, SayNode):
                self.say(node.say)
                name = node.next
                continue
            self._stop_at(name, node)
            return self.show()

    def _stop_at(self, name: str, node: Node) -> None:
        before = self.state.node
        history = self.state.history
        if before and before != name:
            history = (*history, before)[-MAX_HISTORY:]
        topic = (node.topic if isinstance(node, AnswerNode) else None) or self.state.topic
        self.state = replace(self.state, node=name, retries=0, history=history, topic=topic)

    def back(self) -> Outcome:
        """Where the customer was before, or the main menu."""
        *history, name = self.state.history or (self.flow.main_menu,)
        outcome = self.enter(name)
        if self.state.over is None:
            self.state = replace(self.state, history=tuple(history))
        return outcome

    def tag(self, tag: str | None) -> None:
        """Remember a tag, once."""
        if tag and tag not in self.state.tags:
            self.state = replace(self.state, tags=(*self.state.tags, tag))

    # -- ending ------------------------------------------------------------------------------------

    def hand_over(self, reason: Reason, name: str | None = None) -> Outcome:
        """People take over, by this node's wishes or by the flow's operator node's."""
        node = self.flow.nodes.get(name or self.flow.operator)
        target = HandoffTarget()
        words = "t.handing_over"
        spoken: str | None = words
        if isinstance(node, HandoffNode):
            self.tag(node.tag)
            target, spoken = node.handoff, node.say or words
        elif isinstance(node, VoiceNode):
            # Whoever arranges the call says so, or that an operator takes over.
            self.tag(node.tag)
            target, spoken = node.return_to_voice, node.say
        for tag in target.tags:
            self.tag(tag)
        self.prompt = []
        if spoken is not None:
            self.say(spoken)
        self.state = replace(self.state, over=Over.HANDOFF)
        self.trace.append(f"handoff:{reason}")
        return Handoff(
            target.queue, target.skill, target.priority, self.state.tags, reason, self.state.topic
        )

    def _end_at(self, node: EndNode) -> Outcome:
        if node.say:
            self.say(node.say)
        return self.end(Closing(node.end))

    def end(self, closing: Closing) -> Outcome:
        """The bot closes the conversation."""
        self.prompt = []
        self.state = replace(self.state, over=Over.END)
        self.trace.append(f"end:{closing}")
        return End(closing, self.state.tags, self.state.topic)
