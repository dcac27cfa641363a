"""A flow that has the customer called: checked like a handoff, played like one, told apart by its reason."""

from handoff.triage.check import check
from handoff.triage.findings import Level
from handoff.triage.reading import parse
from handoff.triage.state import Handoff, Reason
from handoff.triage.trial import Trial
from tests.handoff.triage.conftest import SHOP

CALLING = SHOP.replace(
    "  solved: {end",
    "  calling: {return_to_voice: {queue: support, tags: [by_phone]}, say: t.found}\n  solved: {end",
).replace("text: t.o_human, to: handoff", "text: t.o_human, to: calling")


def test_a_flow_may_have_the_customer_called():
    flow = parse(CALLING)
    assert [found for found in check(flow) if found.level is Level.BLOCKER] == []
    trial = Trial(flow, context={"line": "Toyshop"})
    trial.tap("continue")
    played = trial.tap("human")
    assert isinstance(played.outcome, Handoff)
    assert played.outcome.reason is Reason.VOICE
    assert (played.outcome.queue, played.outcome.tags) == ("support", ("by_phone",))
    assert "зову оператора" in played.says[-1].text


def test_its_words_are_checked_like_all_others():
    broken = parse(CALLING.replace("say: t.found}\n  solved", "say: t.nowhere}\n  solved"))
    assert any("nowhere" in str(found) for found in check(broken))
