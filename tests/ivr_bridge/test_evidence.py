"""No history of reports gives a hang-up without its evidence, and no end gives two rescues."""

from hypothesis import given
from hypothesis import strategies as st

from ivr_bridge.evidence import (
    Confirm,
    HangUp,
    Proof,
    Rank,
    Seen,
    Stay,
    Wait,
    needed,
    stricter,
    verdict,
)
from ivr_bridge.outcome import (
    MOVES,
    Action,
    Outcome,
    PromptKey,
    Reason,
    Stranded,
    decide,
    prompt_for,
    reason_of,
    stranded,
)
from messaging.channel import FailureClass

confirms = st.sampled_from(Confirm)
seens = st.builds(
    Seen,
    rank=st.sampled_from(Rank),
    failure=st.none() | st.sampled_from(FailureClass),
    sent_for_ms=st.integers(0, 10_000),
)
graces = st.integers(0, 5000)


@given(confirms, seens, st.booleans(), graces, st.booleans())
def test_a_hang_up_has_the_evidence_that_was_asked_for(asked, seen, positive, grace_ms, last):
    found = verdict(asked, seen, positive=positive, grace_ms=grace_ms, last_look=last)
    if not isinstance(found, HangUp):
        return
    if seen.rank is Rank.DELIVERED:
        assert found.proof is Proof.DELIVERED_NOW
        return
    assert seen.failure is None
    assert asked is not Confirm.DELIVERED
    if found.proof is Proof.ACCEPTED_KNOWN:
        assert asked is Confirm.ACCEPTED
        assert positive
        assert seen.rank in {Rank.ACCEPTED, Rank.SENT}
    elif found.proof is Proof.SENT_KNOWN:
        assert positive
        assert last
        assert seen.rank is Rank.SENT
    else:
        assert found.proof is Proof.SENT_QUIET
        assert seen.rank is Rank.SENT
        assert seen.sent_for_ms >= grace_ms


@given(confirms, seens, st.booleans(), graces)
def test_the_last_look_always_decides(asked, seen, positive, grace_ms):
    found = verdict(asked, seen, positive=positive, grace_ms=grace_ms, last_look=True)
    assert isinstance(found, HangUp | Stay)


@given(confirms, seens, st.booleans(), graces, st.booleans())
def test_a_failure_ends_the_race_unless_it_arrived(asked, seen, positive, grace_ms, last):
    if seen.failure is None or seen.rank is Rank.DELIVERED:
        return
    found = verdict(asked, seen, positive=positive, grace_ms=grace_ms, last_look=last)
    assert found == Stay(seen.failure)


@given(confirms, seens, st.booleans(), graces)
def test_waiting_for_quiet_has_an_end(asked, seen, positive, grace_ms):
    found = verdict(asked, seen, positive=positive, grace_ms=grace_ms, last_look=False)
    if isinstance(found, Wait) and found.for_ms is not None:
        later = Seen(seen.rank, seen.failure, seen.sent_for_ms + found.for_ms)
        assert isinstance(
            verdict(asked, later, positive=positive, grace_ms=grace_ms, last_look=False), HangUp
        )


@given(confirms, st.none() | confirms)
def test_a_request_can_ask_for_more_than_its_line_but_not_for_less(line, request):
    order = [Confirm.ACCEPTED, Confirm.SENT, Confirm.DELIVERED]
    assert order.index(stricter(line, request)) >= order.index(line)


def test_acceptance_proves_nothing_about_an_unknown_number():
    assert needed(Confirm.ACCEPTED, positive=False) is Confirm.SENT
    assert needed(Confirm.ACCEPTED, positive=True) is Confirm.ACCEPTED


@given(st.lists(st.sampled_from([Outcome.HANGUP, Outcome.CONTINUE]), min_size=1))
def test_the_first_decision_stands(wanted):
    current = Outcome.PENDING
    for each in wanted:
        current = decide(current, each)
    assert current is wanted[0]
    assert not MOVES[current]


@given(
    st.sampled_from(Outcome),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
def test_only_those_who_are_gone_and_were_reached_by_nothing_are_rescued(
    outcome, left, engaged, delivered, failed, on_the_way, last
):
    found = stranded(
        outcome,
        caller_left=left,
        engaged=engaged,
        delivered=delivered,
        failed=failed,
        on_the_way=on_the_way,
        last_look=last,
    )
    gone = outcome is Outcome.HANGUP or (left and outcome is Outcome.CONTINUE)
    if found is Stranded.YES:
        assert gone
        assert not delivered
        assert not engaged
    if gone and failed and not delivered and not engaged:
        assert found is Stranded.YES
    if found is Stranded.NOT_YET:
        assert not last


def test_every_failure_has_a_reason_and_every_answer_a_prompt():
    assert {reason_of(failure) for failure in FailureClass} <= set(Reason)
    for action in Action:
        for reason in Reason:
            assert isinstance(prompt_for(action, reason), PromptKey)
    assert prompt_for(Action.HANGUP, Reason.ALREADY_DELIVERED) is PromptKey.ALREADY_SENT_GOODBYE
