"""Whatever the flow and whatever the customer: it ends, it never breaks, it always fits."""

import json
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from handoff.triage.check import check
from handoff.triage.engine import begin, step
from handoff.triage.findings import Level
from handoff.triage.flow import Flow
from handoff.triage.says import (
    MAX_BODY,
    MAX_BUTTON_TITLE,
    MAX_BUTTONS,
    MAX_LIST_BUTTON,
    MAX_ROW_DESCRIPTION,
    MAX_ROW_TITLE,
    MAX_ROWS,
    MAX_TEXT,
    Say,
    merged,
    width,
)
from handoff.triage.state import (
    BotState,
    Choice,
    Continue,
    End,
    Handoff,
    Media,
    Started,
    Step,
    Text,
    Turn,
)
from handoff.triage.turns import take_turn

LETTERS = "abвгд ё🙂🧸ع"
VARIABLES = ["", " {order|?}", " {line|us}", " {name|}"]


def words(limit: int) -> st.SearchStrategy[str]:
    """Words of up to this many UTF-16 units, whatever the letters."""
    return st.text(LETTERS, min_size=1, max_size=limit // 2).filter(lambda text: bool(text.strip()))


@st.composite
def flows(draw: st.DrawFn) -> Flow:
    """A flow that may be published: random nodes, wired at random, checked like any other."""
    languages = draw(st.sampled_from([["ru"], ["en", "ru"], ["ru", "en", "kk", "ar"]]))
    names = [f"n{number}" for number in range(draw(st.integers(1, 6)))]
    anywhere = st.sampled_from([*names, "order", "solved", "unsolved", "people"])
    texts: dict[str, str] = {}

    def text(limit: int, *, fixed: bool = False) -> str:
        name = f"x{len(texts)}"
        # A counter keeps titles apart, as the check demands.
        body = f"{len(texts)}" + draw(words(limit - 4))
        texts[name] = body if fixed else body + draw(st.sampled_from(VARIABLES))
        return f"t.{name}"

    def node(name: str) -> dict[str, Any]:
        kind = draw(st.sampled_from(["menu", "answer", "slot", "say"]))
        if kind == "menu":
            count = draw(st.integers(1, 9))
            limit = MAX_BUTTON_TITLE if count < MAX_BUTTONS else MAX_ROW_TITLE
            options = [
                {"id": f"o{n}", "text": text(limit, fixed=True), "to": draw(anywhere)}
                for n in range(count)
            ]
            options.append({"id": "p", "text": text(limit, fixed=True), "to": "handoff"})
            return {"menu": text(draw(st.sampled_from([40, 900]))), "options": options}
        if kind == "answer":
            answer = text(draw(st.sampled_from([40, 2000])))
            return {"answer": answer, "helped": draw(anywhere), "not_helped": "handoff"}
        if kind == "slot":
            match = draw(st.sampled_from([None, r"\d{4,8}", "[аб]+"]))
            return {
                "slot": draw(st.sampled_from(["number", "size"])),
                "ask": text(60),
                "retries": draw(st.integers(0, 3)),
                "else": "handoff",
                "next": draw(anywhere),
                **({"match": match} if match else {}),
            }
        later = [*names[names.index(name) + 1 :], "people", "order"]
        return {"say": text(60), "next": draw(st.sampled_from(later)), "tag": name}

    nodes = {name: node(name) for name in names}
    nodes |= {
        "greet": {"say": "t.hello", "next": "n0"},
        "order": {"slot": "order", "ask": text(60), "retries": 1, "else": "people", "next": "n0"},
        "solved": {"end": "solved", "say": text(60)},
        "unsolved": {"end": "unsolved"},
        "people": {"handoff": {"queue": "q", "tags": ["x"]}, "say": text(60)},
        "handoff": {"handoff": {"priority": draw(st.integers(0, 10))}},
    }
    raw = {
        "flow": "random",
        "languages": languages,
        "start": "greet",
        "limits": {
            "max_bot_turns": draw(st.integers(1, 12)),
            "max_misses": draw(st.integers(1, 5)),
            "max_visits_per_node": draw(st.integers(1, 20)),
        },
        "entry": draw(st.sampled_from([{}, {"status": names[-1]}])),
        "nodes": nodes,
        # A keyword for each node leaves none unreachable.
        "keywords": {
            name: {"to": name, "words": {languages[0]: [f"слово{number}"]}}
            for number, name in enumerate(nodes)
        },
        "texts": {
            code: {**texts, "hello": "Это бот, a bot, بوت" + draw(st.sampled_from(VARIABLES))}
            for code in languages
        },
    }
    flow = Flow.model_validate(raw)
    assume(all(item.level is not Level.BLOCKER for item in check(flow)))
    return flow


def turns(flow: Flow) -> st.SearchStrategy[Turn]:
    """Anything a customer can do: sense, nonsense, old buttons, made-up ones."""
    known = [
        *(f"слово{number}" for number in range(len(flow.nodes))),
        *("оператор", "меню", "назад", "стоп", "язык", "english", "1", "2", "да", "нет"),
        *("123456", "аб", "4111 1111 1111 1111", "привет\nменю", "", " \n", "\x00", "{order}"),
    ]
    ids = [
        *(f"f:{name}:{option}" for name in flow.nodes for option in ("o0", "o1", "p", "yes", "no")),
        *(
            "c:",
            "c:token",
            "lang:ru",
            "lang:xx",
            "cmd:menu",
            "cmd:nothing",
            "",
            ":",
            "f::",
            "f:a:b:c",
        ),
    ]
    said = st.sampled_from(known) | st.text(max_size=30) | st.text(LETTERS, max_size=2000)
    return st.one_of(
        said.map(Text),
        st.sampled_from(ids).map(Choice),
        st.text(max_size=20).map(Choice),
        st.sampled_from(["image", "audio"]).map(Media),
    )


def fits(say: Say) -> bool:
    """Whether WhatsApp takes the message."""
    titles = [option.title for option in say.options]
    if not say.text.strip() or len(set(titles)) != len(titles) or not all(titles):
        return False
    if not say.options:
        return width(say.text) <= MAX_TEXT
    ids = [option.id for option in say.options]
    if width(say.text) > MAX_BODY or len(set(ids)) != len(ids):
        return False
    # Telegram gives an id 64 bytes.
    if any(len(identity.encode()) > 64 for identity in ids):
        return False
    if say.list_button is None:
        return len(titles) <= MAX_BUTTONS and max(map(width, titles)) <= MAX_BUTTON_TITLE
    return (
        len(titles) <= MAX_ROWS
        and width(say.list_button) <= MAX_LIST_BUTTON
        and max(map(width, titles)) <= MAX_ROW_TITLE
        and all(width(option.description or "") <= MAX_ROW_DESCRIPTION for option in say.options)
    )


def speaks_or_ends(played: Step) -> bool:
    """No turn leaves the customer without a word, unless the flow's end has none."""
    return bool(played.says) or isinstance(played.outcome, End)


SLOW = settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
CARDS = st.dictionaries(
    st.sampled_from(["line", "name", "intent", "digits", "unknown"]),
    st.sampled_from(["status", "x" * 3000, "a\nb", "🙂"]),
)


@SLOW
@given(st.data())
def test_any_walk_through_any_flow_ends_within_its_limits_and_always_fits(data):
    flow = data.draw(flows())
    state = begin(
        flow, language=data.draw(st.sampled_from(["ru", "en", "de"])), context=data.draw(CARDS)
    )
    moves = turns(flow)
    for _ in range(flow.limits.max_bot_turns + 1):
        turn = data.draw(moves)
        played = step(flow, state, turn)
        assert speaks_or_ends(played)
        assert all(map(fits, played.says))
        assert (played.state.over is None) == isinstance(played.outcome, Continue)
        assert BotState.from_json(played.state.to_json()) == played.state
        assert step(flow, state, turn) == played, "the same turn gave another step"
        state = played.state
        if state.over is not None:
            break
    assert state.over is not None
    assert step(flow, state, Text("оператор")).says == ()


@SLOW
@given(st.data())
def test_the_word_operator_brings_people_wherever_the_customer_is(data):
    flow = data.draw(flows())
    state = begin(flow, language="ru", context={})
    for turn in data.draw(st.lists(turns(flow), max_size=6)):
        played = step(flow, state, turn)
        if played.state.over is not None:
            break
        state = played.state
    assert isinstance(step(flow, state, Text("Оператор, пожалуйста")).outcome, Handoff)


@SLOW
@given(st.data())
def test_the_one_door_never_raises_whatever_was_stored(data):
    flow = data.draw(flows())
    saved = data.draw(
        st.none()
        | st.text(max_size=40)
        | st.fixed_dictionaries(
            {
                "version": st.sampled_from([flow.version, "x"]),
                "language": st.sampled_from(["ru", ""]),
            },
            optional={
                "node": st.sampled_from([*flow.nodes, "gone", None, 3]),
                "slots": st.sampled_from([{}, {"order": "1"}, {"order": 1}, [], None]),
                "visits": st.sampled_from([{}, {"n0": 99}, {"n0": "x"}, None]),
                "history": st.sampled_from([[], ["gone"], "n0", None]),
                "resume": st.sampled_from([None, "gone", "n0"]),
                "turns": st.sampled_from([0, 10**9, "x"]),
            },
        ).map(json.dumps)
    )
    turn = data.draw(turns(flow) | st.just(Started()))
    played = take_turn(flow, saved, turn, language="ru", context={"line": "x"})
    assert isinstance(played.outcome, Continue | Handoff | End)
    assert isinstance(json.loads(played.state.to_json()), dict)


@given(st.lists(st.tuples(st.text(max_size=3000), st.booleans()), max_size=8))
def test_joined_messages_lose_no_word_and_keep_their_order(parts):
    says = [Say(text, (), None) for text, _ in parts]
    joined = merged(says)
    assert all(width(say.text) <= MAX_TEXT for say in joined)
    kept = [say.text for say in says if say.text]
    assert "\n\n".join(say.text for say in joined) == "\n\n".join(kept)
