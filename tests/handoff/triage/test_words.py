import time

import pytest

from handoff.triage.check_words import MAX_OPEN_REPEATS, open_repeats
from handoff.triage.words import even, extracted, holds_card, pattern_length, phrase_length


def test_spelling_is_evened_out():
    assert even("Ёлка, ПРИДЁТ?!\nМәзір — ﷺ") == "елка придет\nмәзір صلى الله عليه وسلم"
    assert even("مُوَظَّف") == "موظف"


@pytest.mark.parametrize(
    ("phrase", "text", "covered"),
    [
        ("доставк*", "а доставкой?", 9),
        ("доставка", "доставкой", 0),
        ("мой заказ", "где мой, заказ", 9),
        ("мой заказ", "мой\nзаказ", 0),
        ("pay", "repay", 0),
        ("ёлк*", "елки есть", 4),
        ("!!!", "!!!", 0),
    ],
)
def test_a_phrase_is_found_as_whole_words(phrase, text, covered):
    assert phrase_length(phrase, even(text)) == covered


def test_a_pattern_sees_one_line_at_a_time_whatever_its_case():
    assert pattern_length("когда.*привезут", "КОГДА\nпривезут") == 0
    assert pattern_length("когда.*привезут", "ну\nКогда же привезут") == len("Когда же привезут")


def test_a_value_is_taken_out_of_the_sentence_it_stands_in():
    assert extracted(r"(?<!\d)(\d{6,10})(?!\d)", "привет\nзаказ №12345678, где он?") == "12345678"
    assert extracted(r"^\d{6}$", "привет\n 123456 ") == "123456"
    assert extracted(r"^\d{6}$", "1234567") is None
    assert extracted(r"^\d{6}$", "") is None


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ("4111 1111 1111 1111", True),
        ("вот: 4111-1111-1111-1111!", True),
        ("5555555555554444", True),
        ("378282246310005", True),
        ("4111 1111 1111 1112", False),
        ("12345678", False),
        ("80083820000017", False),
        ("+7 916 123-45-67", False),
    ],
)
def test_card_numbers_are_seen(text, held):
    assert holds_card(text) is held


@pytest.mark.parametrize(
    "written", ["(a+)+", "(a|aa)+$", "(x+x+)+y", r"(\w+\s?)*", "(a|ab){1,20}", ".*.*.*.*"]
)
def test_a_pattern_that_could_take_for_ever_weighs_too_much(written):
    assert open_repeats(written) > MAX_OPEN_REPEATS


@pytest.mark.parametrize(
    "written", [r"\d{6,10}", r"[^@\s]+@[^@\s]+\.[a-z]+", r"(\d{3} ?){2}", "когда.*(везут|ждать)"]
)
def test_an_honest_pattern_weighs_little(written):
    assert open_repeats(written) <= MAX_OPEN_REPEATS


def test_the_heaviest_pattern_allowed_is_still_answered_at_once():
    started = time.process_time()
    pattern_length(r"\w+\w+\w+!", "a" * 5000)
    assert time.process_time() - started < 3
