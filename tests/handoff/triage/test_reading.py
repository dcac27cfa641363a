import json
from datetime import timedelta

import pytest

from handoff.triage.flow import Flow, MenuNode
from handoff.triage.reading import parse
from handoff.triage.source import MAX_CHARACTERS, FlowInvalid

A_MENU = "  a_menu: {menu: t.pick_topic, options: [{id: h, text: t.o_hours, to: hours}]}\n"


def problems(text: str) -> str:
    with pytest.raises(FlowInvalid) as caught:
        parse(text)
    return caught.value.detail


def test_a_button_named_no_stays_a_button_named_no(bent):
    flow = parse(bent(("{id: hours,", "{id: no,")))
    menu = flow.nodes["menu"]
    assert isinstance(menu, MenuNode)
    assert menu.options[1].id == "no"


def test_an_emoji_escaped_as_json_does_is_one_character(bent):
    flow = parse(bent(('"Рад помочь."', '"Рад \\ud83d\\ude42"')))
    assert flow.texts["ru"]["glad"] == "Рад 🙂"
    assert "half a character" in problems(bent(('"Рад помочь."', '"Рад \\ud83d"')))


def test_a_language_code_no_is_norwegian_not_false(bent):
    assert parse(bent(("languages: [ru, en]", "languages: [ru, no]"))).languages == ("ru", "no")


def test_a_text_that_looks_like_a_number_stays_text(bent):
    flow = parse(bent(('o_hours: "Opening hours"', "o_hours: 1_000")))
    assert flow.texts["en"]["o_hours"] == "1_000"


def test_the_version_depends_on_what_the_flow_does_and_on_nothing_else(shop, bent):
    spaced = parse("# a comment\n\n" + bent(("start: greet", "start:   greet")))
    assert spaced.version == shop.version
    assert parse(bent(("За 3 дня", "За 4 дня"))).version != shop.version


def test_transcripts_do_not_change_the_version(shop, bent):
    tested = parse(bent() + "tests:\n  - {name: hi, steps: [{write: hi}]}\n")
    assert tested.version == shop.version


def test_titles_are_for_people_and_kept_with_the_version(shop, bent):
    titled = parse(bent() + "titles: {en: {order_no: Order number}}\n")
    assert titled.version != shop.version
    assert parse(titled.canonical()).titles == {"en": {"order_no": "Order number"}}
    # Without any, a flow keeps the version that it was published under.
    assert "titles" not in json.loads(shop.canonical())


def test_the_frozen_form_reads_back_as_the_same_version(shop):
    again = parse(shop.canonical())
    assert again.version == shop.version
    assert json.loads(again.canonical()) == json.loads(shop.canonical())


def test_freezing_keeps_the_main_menu_when_another_sorts_before_it(bent):
    flow = parse(
        bent(
            ("to: hours, tag: asked_hours}", "to: a_menu}"),
            ("  solved: {end", A_MENU + "  solved: {end"),
        )
    )
    assert flow.main_menu == "menu"
    assert parse(flow.canonical()).main_menu == "menu"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("start: greet", "begin: greet", "`begin` is not known here"),
        ("start: greet", "starts: greet", "did you mean `start`?"),
        ("say: t.hello", "say: Привет", "line 7, column 11: nodes.greet.say: texts are named here"),
        ("max_misses: 2", "max_misses: two", "limits.max_misses: this must be a whole number"),
        ("max_misses: 2", "max_misses: 0", "limits.max_misses: this must be greater than"),
        ("max_misses: 2", "idle_close: tomorrow", "write a number and s, m, h or d, as in 24h"),
        ("    retries: 1\n", "", "nodes.ask_order.retries: `retries` is missing: say how many"),
        ("    else: handoff\n", "", "nodes.ask_order.else: `else` is missing: say which node"),
        ("languages: [ru, en]", "languages: [ru, ru]", "a language stands twice"),
        ("languages: [ru, en]", "languages: [russian]", "is not a language code like ru or en"),
        ("{id: hours,", '{id: "1",', "options[1].id: `1` cannot be a name"),
        ("queue: orders,", "queue: orders, urgent: yes,", "nodes.orders.handoff.urgent: `urgent`"),
        ("{end: solved,", "{end: done,", "nodes.solved.end: this must be 'solved' or 'unsolved'"),
        ('glad: "Рад помочь."', "glad:", "texts.ru.glad: this must be a word or a text, not empty"),
        ("tags: [from_bot]", "tags: from_bot", "handoff.tags: this must be a list"),
        ("tags: [from_bot]", "tags: [from bot]", "`from bot` cannot be a tag"),
        ("to: delivery, topic", "goto: delivery, topic", "keywords.delivery.to: `to` is missing"),
    ],
)
def test_what_is_wrong_is_said_with_its_place_and_its_cure(bent, old, new, said):
    assert said in problems(bent((old, new)))


@pytest.mark.parametrize("kind", ["call", "when", "csat", "answer_from", "webhook"])
def test_a_kind_of_node_kept_for_later_is_refused_by_name(bent, kind):
    said = problems(bent(("{answer: t.hours,", f"{{{kind}: x,")))
    assert f"nodes.hours: `{kind}` nodes" in said
    assert "are kept for a later release and cannot be published" in said


def test_a_node_without_a_kind_hears_which_kinds_there_are(bent):
    said = problems(bent(("{end: solved, say: t.glad}", "{finish: solved}")))
    assert (
        "nodes.solved: a node needs one of handoff, return_to_voice, menu, answer, slot, end, say"
        in said
    )


def test_intents_are_refused_with_what_to_use_instead(bent):
    assert "use `keywords`" in problems(bent() + "intents: {}\n")


def test_every_problem_is_told_at_once(bent):
    said = problems(bent(("start: greet", "begin: greet"), ("max_misses: 2", "max_misses: x")))
    assert "`start` is missing" in said
    assert "`begin`" in said
    assert "max_misses" in said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the file is empty"),
        ("# only a comment\n", "the file is empty"),
        ("flow: [", "line 1, column 8: this is not valid YAML"),
        ("flow: a\nflow: b\n", "line 2, column 1: flow: this key stands here twice"),
        ("a: &a [*a]", "is an alias repeated?"),
        ("a: {<<: {b: c}}", "merge keys"),
        ("? [a]\n: b", "a key must be a plain word"),
        ("- a\n- b\n", "a flow is a mapping"),
        ("just words", "a flow is a mapping"),
        ("flow: \x00", "this is not valid YAML"),
        ("a: !!python/object/apply:os.system [ls]", "`a` is not known here"),
        ("[" * 5000, "YAML"),
        ("x" * (MAX_CHARACTERS + 1), "split the flow"),
    ],
)
def test_a_file_that_is_no_flow_is_refused_in_one_sentence(text, said):
    assert said in problems(text)


def test_aliases_cannot_blow_a_small_file_up():
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12)
    )
    assert "is an alias repeated?" in problems(bomb)


def test_a_time_is_a_number_and_a_unit(bent):
    assert parse(bent()).limits.idle == timedelta(hours=24)
    assert parse(bent(("max_misses: 2", "idle_close: 90m"))).limits.idle == timedelta(minutes=90)


def test_a_flow_cannot_be_changed_after_reading(shop: Flow):
    with pytest.raises(ValueError, match="frozen"):
        setattr(shop, "start", "menu")  # noqa: B010 - the type checker would not let it through
