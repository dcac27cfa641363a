"""Circumstances of every kind, for what must hold whatever they are."""

# ruff: noqa: DTZ001 - a clock on a wall has no time zone

from datetime import datetime

from hypothesis import strategies as st

from ivr_bridge.guard import Limits
from ivr_bridge.policy import Agreement, Circumstances
from messaging.reachability import Reach

left = st.none() | st.booleans()
waits = st.none() | st.integers(0, 1000)
draws = st.none() | st.floats(0, 1, exclude_max=True)
limits = st.builds(
    Limits,
    paused=st.sampled_from([None, "line", "channel", "all"]),
    country=st.just("RU"),
    country_open=left,
    velocity_over=st.none() | st.just("number"),
    velocity_left=left,
    users_left=left,
    template_taken=left,
    room=left,
    budget_left=left,
)
anything = st.builds(
    Circumstances,
    enabled=st.booleans(),
    withheld=st.booleans(),
    number_valid=st.booleans(),
    agreement=st.sampled_from(Agreement),
    channel_wanted=st.none() | st.booleans(),
    opted_out=st.booleans(),
    account_up=st.booleans(),
    template_ok=st.none() | st.booleans(),
    reach=st.sampled_from(Reach),
    conversation_open=st.booleans(),
    landline=st.none() | st.booleans(),
    called_again=st.booleans(),
    declined=st.none() | st.booleans(),
    prompt_version=st.none() | st.sampled_from(["a", "b"]),
    unwanted=st.none() | st.booleans(),
    openings_ago_s=st.none() | st.lists(st.floats(0, 90_000), max_size=5).map(sorted),
    local=st.none() | st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)),
    intent=st.none() | st.sampled_from(["order", "fraud"]),
    language=st.none() | st.sampled_from(["ru", "de"]),
    language_spoken=st.none() | st.booleans(),
    voice_wait_s=waits,
    queue_position=waits,
    recent_calls=waits,
    chat_wait_s=waits,
    chat_waiting=waits,
    chat_staffed=st.none() | st.booleans(),
    offered_ago_s=st.none() | st.floats(0, 1000),
    offers=st.integers(0, 10),
    ignored_offers=st.none() | st.integers(0, 10),
    share_draw=draws,
    hold_out_draw=draws,
    limits=limits,
    time_left_ms=st.none() | st.integers(-500, 20_000),
    time_needed_ms=st.none() | st.integers(150, 10_000),
)
