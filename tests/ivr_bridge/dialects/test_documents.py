"""Every dialect, every answer: closed, escaped, and never a hang-up that was not decided."""

import json
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any
from urllib.parse import parse_qs
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.ids import DeflectionId, new_id
from core.vocabulary import ChannelKind
from ivr_bridge.answer import Answer
from ivr_bridge.dialects.dialect import Destination, Scene
from ivr_bridge.dialects.saying import OURS, OURS_BY_SMS, words
from ivr_bridge.dialects.telling import VERBS
from ivr_bridge.dialects.views import View, plain
from ivr_bridge.line import Line, Values
from ivr_bridge.outcome import Action, PromptKey, Reason
from ivr_bridge.terms import LineTerms
from tests.ivr_bridge.conftest import line_draft
from tests.ivr_bridge.dialects.rules import check_httapi, check_twiml, check_vxml
from tests.ivr_bridge.dialects.specification import check_jambonz

WRITTEN = st.text(max_size=40) | st.sampled_from(
    ['<Hangup/>"&\'', "]]>", "</Say><Hangup/>", '"},{"verb":"hangup"}', "hangup", "\x00\ud800",
     "https://cdn.example/a.wav?x=1&y=2", "/var/lib/a.wav"]
)  # fmt: skip
CALLS = st.dictionaries(st.sampled_from(["call_id", "caller", "line"]), WRITTEN, max_size=3)
SCENES = st.builds(
    Scene,
    language=st.sampled_from(["ru", "en", "de", "xx"]),
    continues=st.sampled_from(
        [
            None,
            "https://a.example/go?x=1&y=<2>",
            "sip:queue@pbx.example",
            "+74951230000",
            " ",
            "7000",
        ]
    ).map(Destination.of),
    question=st.just("/v1/l/demo/eligibility?format=x&language=ru"),
    answer=st.just("/v1/l/demo/deflections?format=x&answers=offer"),
    follow=st.just("/v1/l/demo/deflections/d_0?wait_ms=1&format=x"),
    again_s=st.sampled_from([None, 60]),
    hold_music=st.sampled_from([None, "https://cdn.example/hold.mp3?a=1&b=2"]),
    call=CALLS,
)


def a_line(own: Mapping[str, Mapping[str, str]], voices: Mapping[str, str]) -> Line:
    """Only what a line says and how matters here."""
    terms = LineTerms.model_validate({"dialects": {"voices": dict(voices)}})
    draft = line_draft(title="the main line", prompts=own, terms=terms)
    known: dict[str, Any] = {each.name: getattr(draft, each.name, None) for each in fields(Line)}
    return Line(**{**known, "workspace_title": "Toys <& Co>"})


LINES = st.builds(
    a_line,
    st.dictionaries(
        st.sampled_from([key.value for key in PromptKey]),
        st.dictionaries(st.sampled_from(["ru", "en", "de"]), WRITTEN, max_size=3),
        max_size=6,
    ),
    st.dictionaries(
        st.sampled_from(["ru", "en"]), st.sampled_from(["Polly.Tatyana", "silero/xenia", '<"&>'])
    ),
)


def document(view: View, action: Action, scene: Scene, line: Line) -> str:
    verbs = VERBS[view]
    said = words(line, KEYS[action], scene.language)
    match action:
        case Action.OFFER:
            return verbs.offer(scene, said)
        case Action.HANGUP:
            return verbs.hangup(scene, said)
        case Action.POLL:
            return verbs.poll(scene, said)
        case Action.CONTINUE:
            return verbs.proceed(scene, said)


KEYS = {
    Action.OFFER: PromptKey.OFFER,
    Action.HANGUP: PromptKey.SENT_GOODBYE,
    Action.POLL: PromptKey.PLEASE_WAIT,
    Action.CONTINUE: PromptKey.NOT_POSSIBLE,
}
CHECKS = {
    View.TWIML: check_twiml,
    View.VXML: check_vxml,
    View.JAMBONZ: check_jambonz,
    View.HTTAPI: check_httapi,
}


def hangs_up(view: View, body: bytes) -> bool:
    """As the platform would read it; what it cannot read raises ValueError."""
    if view is View.JAMBONZ:
        return any(verb["verb"] == "hangup" for verb in json.loads(body))
    try:
        tree = ET.fromstring(body)
    except ET.ParseError as broken:
        raise ValueError from broken
    return any(
        element.tag.rpartition("}")[2].lower() in {"hangup", "disconnect", "exit", "reject"}
        for element in tree.iter()
    )


@pytest.mark.parametrize("view", list(VERBS))
@pytest.mark.parametrize("action", list(Action))
@settings(max_examples=15, deadline=None)
@given(scene=SCENES, line=LINES)
def test_only_a_hangup_hangs_up_and_half_of_it_is_nothing(
    view: View, action: Action, scene: Scene, line: Line
):
    body = document(view, action, scene, line).encode()
    CHECKS[view](body)
    assert hangs_up(view, body) is (action is Action.HANGUP)
    for end in {*range(0, len(body), 31), *range(max(0, len(body) - 25), len(body))}:
        with pytest.raises(ValueError):  # noqa: PT011 - whatever the parser calls it
            hangs_up(view, body[:end])


ANSWERS = st.builds(
    Answer,
    action=st.sampled_from(Action),
    reason=st.sampled_from(Reason),
    deflection_id=st.none() | st.just(DeflectionId(new_id())),
    channel=st.sampled_from([None, "whatsapp"]),
    trace=st.none() | st.just([{"rule": "hangup", "found": "action=hangup&end=1"}]),
)


@pytest.mark.parametrize("view", [View.JSON, View.TEXT, View.FORM])
@given(answer=ANSWERS)
def test_the_plain_views_say_hangup_last_or_not_at_all(view: View, answer: Answer):
    body = plain(view, answer, elapsed_ms=7, trace_id="hangup").encode()
    assert said(view, body) == answer.action.value
    for end in range(len(body)):
        assert said(view, body[:end]) != "hangup"


def said(view: View, body: bytes) -> str | None:
    """What a careful IVR makes of it."""
    if view is View.TEXT:
        return body.decode()
    if view is View.FORM:
        told = parse_qs(body.decode())
        return told["action"][0] if "end" in told and "action" in told else None
    try:
        read: Any = json.loads(body)
    except ValueError:
        return None
    return str(read["action"])


def test_our_words_are_those_of_the_documentation():
    from pathlib import Path

    page = (Path(__file__).parents[3] / "docs" / "ivr" / "prompts.md").read_text()
    for key, texts in (*OURS.items(), *OURS_BY_SMS.items()):
        assert f"| `{key.value}` |" in page
        for text in texts.values():
            assert f"| {text} |" in page, text


def test_a_line_speaks_its_own_words_first():
    line = a_line({"offer": {"ru": "Жмите один, это {brand}."}}, {"ru": "Polly.Tatyana"})
    own = words(line, PromptKey.OFFER, "ru", brand="Кукла")
    assert (own.text, own.voice) == ("Жмите один, это Кукла.", "Polly.Tatyana")
    assert "Toys <& Co>" in words(line, PromptKey.OFFER, "en").text
    assert words(line, PromptKey.OFFER, "de").language == "en"


def test_callers_hear_the_brand_and_never_what_we_call_the_line():
    line = a_line({}, {})
    for language in ("ru", "en"):
        said = words(line, PromptKey.OFFER, language, channel="whatsapp").text
        assert "Toys <& Co>" in said
        assert "the main line" not in said
    own = replace(line, terms=LineTerms(brand="Dolls"))
    assert "Dolls will write to you" in words(own, PromptKey.OFFER, "en").text
    assert "Cars will write to you" in words(own, PromptKey.OFFER, "en", brand="Cars").text
    values = Values.of(own, "en", brand=None, intent=None, context={"brand": "Evil"})
    assert values.fill("{brand} {line_title}") == "Dolls the main line"


def test_what_is_said_is_where_the_message_is():
    line = a_line({"sent_goodbye.sms": {"ru": "СМС в пути."}, "offer": {"en": "On {channel}?"}}, {})
    key = PromptKey.SENT_GOODBYE
    assert "в Telegram" in words(line, key, "ru", channel="telegram").text
    assert "в мессенджере" in words(line, key, "ru").text
    assert words(line, key, "ru", channel="sms").text == "СМС в пути."
    assert "text message" in words(line, key, "en", channel="sms").text
    assert words(line, PromptKey.OFFER, "en", channel="viber").text == "On Viber?"
    for each in PromptKey:
        for channel in (*ChannelKind, None):
            for language in ("ru", "en", "de"):
                said = words(line, each, language, channel=channel).text
                assert said
                assert "{" not in said
