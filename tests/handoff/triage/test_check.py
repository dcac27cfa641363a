import pytest

from handoff.triage.check import check
from handoff.triage.findings import Level
from handoff.triage.reading import parse


def blockers(text: str) -> dict[str, str]:
    found = check(parse(text))
    return {item.path: item.message for item in found if item.level is Level.BLOCKER}


def warnings(text: str) -> dict[str, str]:
    found = check(parse(text))
    return {item.path: item.message for item in found if item.level is Level.WARNING}


def test_a_sound_flow_has_no_findings(bent):
    assert check(parse(bent())) == []


# -- structure -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        ("start: greet", "start: gone", "start"),
        ("start: greet", "start: greet\nmenu: gone", "menu"),
        ("start: greet", "start: greet\noperator: gone", "operator"),
        ("order_status: ask_order", "order_status: gone", "entry.order_status"),
        ("{say: t.hello, next: menu}", "{say: t.hello, next: gone}", "nodes.greet.next"),
        ("text: t.o_hours, to: hours", "text: t.o_hours, to: gone", "nodes.menu.options[1].to"),
        ("    else: handoff", "    else: gone", "nodes.ask_order.else"),
        ("{to: delivery,", "{to: gone,", "keywords.delivery.to"),
    ],
)
def test_a_target_that_is_not_there_blocks(bent, old, new, path):
    assert "there is no node `gone`" in blockers(bent((old, new)))[path]


def test_the_operator_must_be_people(bent):
    found = blockers(bent(("start: greet", "start: greet\noperator: menu")))
    assert "must be a handoff node" in found["operator"]


def test_the_flow_must_begin_with_a_greeting(bent):
    assert "must be a say node" in blockers(bent(("start: greet", "start: menu")))["start"]


def test_a_greeting_that_closes_the_conversation_blocks(bent):
    found = blockers(bent(("{say: t.hello, next: menu}", "{say: t.hello, next: solved}")))
    assert "before anybody was heard" in found["start"]


def test_a_greeting_without_a_call_is_held_to_the_same(bent):
    found = blockers(bent(("start: greet", "start: greet\nstart_without_call: menu")))
    assert "must be a say node" in found["start_without_call"]
    hidden = (
        ("start: greet", "start: greet\nstart_without_call: meet"),
        ("  solved: {end", "  meet: {say: t.glad, next: menu}\n  solved: {end"),
    )
    assert "a bot is writing" in blockers(bent(*hidden))["nodes.meet.say"]


def test_a_node_that_nothing_leads_to_blocks(bent):
    assert (
        "nothing leads here" in blockers(bent(("{to: delivery,", "{to: hours,")))["nodes.delivery"]
    )


def test_a_dead_end_blocks(bent):
    text = bent(
        ("{answer: t.delivery, helped: solved, not_helped: handoff, tag: delivery}",
         "{answer: t.delivery, helped: delivery, not_helped: delivery}"),
    )  # fmt: skip
    assert "a dead end" in blockers(text)["nodes.delivery"]


def test_a_question_without_a_way_to_people_blocks(bent):
    text = bent(
        ("{answer: t.delivery, helped: solved, not_helped: handoff, tag: delivery}",
         "{answer: t.delivery, helped: solved, not_helped: solved}"),
    )  # fmt: skip
    assert "no way leads from here to people" in blockers(text)["nodes.delivery"]


def test_talking_in_a_circle_blocks(bent):
    text = bent(
        (
            "  solved: {end",
            "  a: {say: t.glad, next: b}\n  b: {say: t.glad, next: a}\n  solved: {end",
        ),
        ("{to: delivery,", "{to: a,"),
    )
    found = blockers(text)
    assert found.keys() >= {"nodes.a", "nodes.b"}


def test_an_option_id_twice_in_a_menu_blocks(bent):
    assert (
        "stands twice"
        in blockers(bent(("{id: hours,", "{id: status,")))["nodes.menu.options[1].id"]
    )


def test_eleven_options_block(bent):
    more = "".join(f"      - {{id: x{n}, text: t.x{n}, to: handoff}}\n" for n in range(8))
    texts = "".join(f'    x{n}: "{n}"\n' for n in range(8))
    text = bent(
        ("      - {id: human,", more + "      - {id: human,"),
        ('    glad: "Рад помочь."\n', '    glad: "Рад помочь."\n' + texts),
        ('    glad: "Glad to help."\n', '    glad: "Glad to help."\n' + texts),
    )
    assert "WhatsApp lists hold 10" in blockers(text)["nodes.menu.options"]


def test_a_menu_without_people_in_it_is_warned_about(bent):
    text = bent(("o_human, to: handoff", "o_human, to: delivery"))
    assert "no option leads straight to people" in warnings(text)["nodes.menu.options"]


def test_a_slot_cannot_be_called_like_a_value_of_the_call(bent):
    text = bent(("slot: order_no", "slot: line"), ("{order_no|", "{line|"))
    assert "give the slot another name" in blockers(text)["nodes.ask_order.slot"]


# -- texts -----------------------------------------------------------------------------------------


def test_a_text_that_is_nowhere_blocks(bent):
    found = blockers(bent(("say: t.glad", "say: t.gone")))
    assert "there is no text `gone`" in found["nodes.solved.say"]


def test_a_missing_translation_blocks(bent):
    found = blockers(bent(('    glad: "Glad to help."\n', "")))
    assert found["texts.en.glad"] == "this text is missing in `en`"


def test_a_language_the_bot_does_not_speak_needs_its_phrases(bent):
    found = blockers(bent(("languages: [ru, en]", "languages: [ru, en, de]")))
    assert "write its phrase `rephrase`" in found["texts.de.rephrase"]
    assert found["texts.de.hello"] == "this text is missing in `de`"


def test_kazakh_and_arabic_phrases_come_with_the_bot(bent):
    found = blockers(bent(("languages: [ru, en]", "languages: [ru, en, kk, ar]")))
    assert "texts.kk.rephrase" not in found
    assert "texts.ar.hello" in found


@pytest.mark.parametrize(
    ("old", "new", "path", "said"),
    [
        ('"Часы работы"', f'"{"ч" * 21}"', "texts.ru.o_hours", "a button on WhatsApp holds 20"),
        ('"Opening hours"', '"' + "🙂" * 11 + '"', "texts.en.o_hours", "22 characters"),
        ('"Чем помочь?"', f'"{"ч" * 1025}"', "texts.ru.pick_topic", "holds 1024"),
        ('"С 10 до 22."', f'"{"ч" * 4097}"', "texts.ru.hours", "holds 4096"),
        ('"Часы работы"', '"Часы {line|все}"', "texts.ru.o_hours", "cannot hold a variable"),
        ("{line|нам}", "{caller}", "texts.ru.hello", "there is no value `caller`"),
        ("{line|нам}", "{line", "texts.ru.hello", "a brace stands alone"),
        ("{line|нам}", "{Line}", "texts.ru.hello", "a brace stands alone"),
        ('"Рад помочь."', '"{line}"', "texts.ru.glad", "may come out empty"),
        ('"Рад помочь."', '" "', "texts.ru.glad", "may come out empty"),
    ],
)
def test_a_text_that_cannot_be_shown_blocks(bent, old, new, path, said):
    assert said in blockers(bent((old, new)))[path]


def test_an_own_phrase_is_measured_by_what_it_is_used_for(bent):
    own = bent(('    glad: "Рад помочь."', f'    glad: "Рад"\n    helped_yes: "{"д" * 21}"'))
    assert "holds 20" in blockers(own)["texts.ru.helped_yes"]


def test_rows_of_a_list_may_be_longer_than_buttons(bent):
    rows = bent(
        ("      - {id: human,", "      - {id: d, text: t.row, to: delivery}\n      - {id: human,"),
        ('    glad: "Рад помочь."', f'    glad: "Рад"\n    row: "{"д" * 24}"'),
        ('    glad: "Glad to help."', f'    glad: "Glad"\n    row: "{"d" * 25}"'),
    )
    found = blockers(rows)
    assert "a list row on WhatsApp holds 24" in found["texts.en.row"]
    assert "texts.ru.row" not in found


def test_two_options_that_read_the_same_block(bent):
    found = blockers(bent(('o_hours: "Часы работы"', 'o_hours: "Оператор!"')))
    assert "read the same in `ru`" in found["nodes.menu.options[2].text"]


def test_a_greeting_that_hides_the_bot_blocks(bent):
    found = blockers(bent(("This is the shop's bot.", "This is the shop.")))
    assert "does not say in `en` that a bot is writing" in found["nodes.greet.say"]


def test_a_value_that_may_be_missing_is_warned_about(bent):
    found = warnings(bent(("{line|нам}", "{line}"), ("{order_no|ваш}", "{order_no}")))
    assert "write {line|words instead}" in found["texts.ru.hello"]
    assert "nodes.orders.say" not in found


def test_a_slot_used_where_it_may_not_be_known_is_warned_about(bent):
    found = warnings(bent(("{end: solved, say: t.glad}", "{end: solved, say: t.found}")))
    assert "nodes.solved.say" not in found
    found = warnings(
        bent(
            ("{end: solved, say: t.glad}", "{end: solved, say: t.found}"),
            ("{order_no|ваш}", "{order_no}"),
        )
    )
    assert "`order_no` may not be known here" in found["nodes.solved.say"]


def test_unused_texts_and_languages_are_warned_about(bent):
    found = warnings(
        bent(('    glad: "Рад помочь."', '    glad: "Рад"\n    old: "х"')) + "  fr: {}\n"
    )
    assert "no node uses this text" in found["texts.ru.old"]
    assert "`fr` is not among" in found["texts.fr"]


# -- words -----------------------------------------------------------------------------------------


def test_one_phrase_in_two_keywords_blocks_even_across_languages(bent):
    found = blockers(bent(("en: [my order]", "en: [Delivery!]")))
    assert "already leads to `delivery`" in found["keywords.order.words.en[0]"]


@pytest.mark.parametrize("word", ["меню", "Оператор", "english", "talk to a human"])
def test_a_keyword_that_is_a_command_blocks(bent, word):
    found = blockers(bent(("ru: [мой заказ]", f"ru: [{word}]")))
    assert "which always wins" in found["keywords.order.words.ru[0]"]


def test_a_keyword_of_nothing_blocks(bent):
    assert (
        "holds no word" in blockers(bent(("[мой заказ]", '["!?"]')))["keywords.order.words.ru[0]"]
    )
    text = bent(("{to: ask_order, words: {ru: [мой заказ], en: [my order]}}", "{to: ask_order}"))
    assert "nobody will ever come here" in blockers(text)["keywords.order"]


def test_a_keyword_without_words_in_a_language_is_warned_about(bent):
    text = bent(("words: {ru: [мой заказ], en: [my order]}", "words: {ru: [мой заказ], fr: [x]}"))
    found = [item.message for item in check(parse(text)) if item.path == "keywords.order"]
    assert any("no words in `en`" in message for message in found)
    assert any("`fr` is not among" in message for message in found)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("(", "not a regular expression"),
        ("(a+)+", "can take very long"),
        (r"\d*", "fits an empty text"),
    ],
)
def test_a_pattern_that_cannot_be_trusted_blocks(bent, written, said):
    slot = bent((r"'(?<!\d)(\d{6,10})(?!\d)'", f"'{written}'"))
    assert said in blockers(slot)["nodes.ask_order.match"]
    keyword = bent(("words: {ru: [мой", f"patterns: {{ru: ['{written}']}}, words: {{ru: [мой"))
    assert said in blockers(keyword)["keywords.order.patterns.ru[0]"]
