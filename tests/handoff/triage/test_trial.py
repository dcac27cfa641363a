from pathlib import Path

import pytest

from handoff.triage.commands import CommandKind
from handoff.triage.flow import CALL_CARD, KINDS, RESERVED
from handoff.triage.phrases import PHRASES
from handoff.triage.reading import parse
from handoff.triage.state import Reason
from handoff.triage.trial import Trial, check_file, check_text, shown

ROOT = Path(__file__).parents[3]
DEMO = ROOT / "config/flows/demo.yaml"
MANUAL = ROOT / "docs/flows.md"


def report(text: str, *steps: str, **more: str) -> list[str]:
    listed = "".join(f"      - {step}\n" for step in steps)
    extra = "".join(f"    {name}: {value}\n" for name, value in more.items())
    return list(check_text(f"{text}tests:\n  - name: told\n{extra}    steps:\n{listed}").lines())


def test_the_demo_flow_is_published_without_a_word():
    found = check_file(DEMO)
    assert list(found.lines()) == []
    assert found.publishable
    assert found.tests >= 8


def test_the_flow_in_the_manual_may_be_published():
    manual = MANUAL.read_text(encoding="utf-8")
    found = check_text(manual.split("```yaml\n")[1].split("```")[0])
    assert list(found.lines()) == []


def test_the_manual_names_every_phrase_command_and_reason():
    manual = MANUAL.read_text(encoding="utf-8")
    assert all(f"`{name}`" in manual for name in PHRASES["en"])
    assert all(f"*{kind}*" in manual for kind in CommandKind)
    assert all(f"`{kind}`" in manual for kind in (*KINDS, *RESERVED))
    assert all(f"{{{value}}}" in manual for value in CALL_CARD)
    assert all(f"`{reason}`" in manual for reason in Reason if reason is not Reason.FAULT)


def test_a_transcript_that_comes_true_is_silent(bent):
    assert (
        report(
            bent(),
            "{tap: continue, node: menu, says: [Toys]}",
            "{write: доставка, node: delivery, tags: [delivery], topic: delivery}",
            "{tap: menu.status, node: ask_order}",
            '{write: "123456", end: handoff, queue: orders, reason: flow, slots: {order_no: "123456"}}',
            context="{line: Toys}",
        )
        == []
    )


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ("{tap: hours, node: menu}", "node is hours, expected menu"),
        ("{tap: hours, tags: [a, asked_hours]}", "tags lack a"),
        ("{tap: hours, says: [полночь]}", "the bot did not say 'полночь'"),
        ("{tap: human}", "end is handoff, expected none"),
        ("{tap: hours, end: solved}", "end is none, expected solved"),
        ("{tap: human, end: handoff, queue: x}", "queue is support, expected x"),
        ("{tap: status, slots: {order_no: '1'}}", "slot order_no is empty, expected 1"),
        ("{send: image, language: en}", "language is ru, expected en"),
    ],
)
def test_a_surprise_names_the_test_the_line_and_what_came(bent, step, said):
    lines = report(bent(), "{tap: continue}", step)
    assert len(lines) == 1
    assert "blocker: tests[0].steps[1]: `told`: " in lines[0]
    assert said in lines[0]
    assert lines[0].split(":")[0].isdigit()


def test_a_transcript_longer_than_the_conversation_is_a_surprise(bent):
    lines = report(bent(), "{write: стоп, end: stopped}", "{write: алло}")
    assert "was already over" in lines[0]


def test_a_step_does_one_thing(bent):
    lines = report(bent(), "{write: a, tap: b}")
    assert "a step is one of write: words, tap: option, send: image" in lines[0]


def test_transcripts_wait_until_the_flow_is_sound(bent):
    lines = report(bent(("say: t.glad", "say: t.gone")), "{tap: continue, node: nowhere}")
    assert all("tests[0]" not in line for line in lines)


def test_a_report_lists_blockers_first_each_with_its_line(bent):
    found = check_text(bent(("{line|нам}", "{line}"), ("say: t.glad", "say: t.gone")))
    assert not found.publishable
    lines = list(found.lines())
    assert "blocker: nodes.solved.say: there is no text `gone`" in lines[0]
    assert any("warning: texts.ru.hello" in line for line in lines[1:])


def test_a_file_that_cannot_be_read_is_a_report_too():
    found = check_text("flow: [")
    assert found.flow is None
    assert not found.publishable


def test_a_flow_can_be_tried_line_by_line(bent):
    trial = Trial(parse(bent()), language="en", context={"line": "Toys"})
    assert list(shown(trial.do("#continue"))) == [
        "This is the shop's bot. You called Toys.",
        "",
        "How can I help?",
        "  #1 Where is my order?  (f:menu:status)",
        "  #2 Opening hours  (f:menu:hours)",
        "  #3 Operator  (f:menu:human)",
    ]
    assert trial.do("#2").state.node == "hours"
    assert trial.do("!image").state.misses == 1
    assert list(shown(trial.do("operator")))[-1] == "-> to people: support, priority 0, asked"
    assert trial.over


def test_a_closed_trial_says_how_it_closed(bent):
    trial = Trial(parse(bent()))
    assert list(shown(trial.do("стоп")))[-1] == "-> closed: stopped"
