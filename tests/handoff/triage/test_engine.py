import pytest

from handoff.triage.engine import begin, step
from handoff.triage.flow import Flow
from handoff.triage.reading import parse
from handoff.triage.state import (
    BotState,
    Choice,
    Closing,
    Continue,
    End,
    Handoff,
    Media,
    Over,
    Reason,
    Started,
    Step,
    Text,
)
from handoff.triage.trial import Trial
from messaging.content import ContentType


def said(played: Step) -> str:
    return "\n".join(say.text for say in played.says)


# -- the beginning ---------------------------------------------------------------------------------


def test_after_the_opening_the_bot_is_silent_until_the_customer_moves(shop: Flow):
    state = begin(shop, language="ru", context={})
    played = step(shop, state, Started())
    assert played.says == ()
    assert played.outcome == Continue()
    assert played.state == state


def test_continue_brings_the_greeting_with_the_call_and_the_menu_in_one_message(shop: Flow):
    trial = Trial(shop, context={"line": "Горячая линия"})
    played = trial.tap("continue")
    assert len(played.says) == 1
    assert played.says[0].text == "Это бот магазина. Вы звонили: Горячая линия.\n\nЧем помочь?"
    assert [option.id for option in played.says[0].options] == [
        "f:menu:status",
        "f:menu:hours",
        "f:menu:human",
    ]


def test_what_the_call_card_does_not_bring_has_other_words(shop: Flow):
    assert "Вы звонили: нам." in said(Trial(shop).tap("continue"))


def test_who_writes_without_having_called_is_not_told_that_they_called(bent):
    flow = parse(
        bent(
            ("start: greet", "start: greet\nstart_without_call: meet"),
            ("  solved: {end", "  meet: {say: t.glad, next: menu}\n  solved: {end"),
        )
    )
    assert said(Trial(flow, context={"name": "Анна"}).write("привет")).startswith("Рад помочь.")
    assert said(Trial(flow, context={"line": "8-800"}).write("привет")).startswith("Это бот")


def test_a_hello_is_greeted_and_is_no_miss(shop: Flow):
    trial = Trial(shop)
    trial.write("Добрый день")
    assert (trial.state.node, trial.state.misses) == ("menu", 0)


def test_a_first_message_that_asks_something_is_answered_after_the_greeting(shop: Flow):
    played = Trial(shop).write("Здравствуйте\nсколько ждать доставку?")
    assert played.state.node == "delivery"
    assert said(played).startswith("Это бот магазина.")
    assert "За 3 дня." in said(played)
    assert "Чем помочь?" not in said(played)


def test_a_first_message_that_asks_for_people_is_greeted_and_obeyed(shop: Flow):
    played = Trial(shop).write("оператор")
    assert isinstance(played.outcome, Handoff)
    assert said(played).startswith("Это бот магазина.")


def test_people_come_even_where_the_flow_says_goodbye_without_listening(bent):
    deaf = parse(bent(("order_status: ask_order", "order_status: solved")))
    trial = Trial(deaf, context={"intent": "order_status"})
    assert isinstance(trial.write("оператор").outcome, Handoff)


@pytest.mark.parametrize("line", ["стоп", "#not_me"])
def test_who_wants_no_conversation_is_not_greeted(shop: Flow, line):
    played = Trial(shop).do(line)
    assert isinstance(played.outcome, End)
    assert "Это бот" not in said(played)


def test_a_first_picture_is_greeted_and_told_that_pictures_are_not_read(shop: Flow):
    played = Trial(shop).send("image")
    assert "Я умею читать только текст" in said(played)
    assert (played.state.node, played.state.misses) == ("menu", 0)


def test_what_the_caller_told_the_ivr_is_not_asked_again(shop: Flow):
    trial = Trial(shop, context={"intent": "order_status"})
    assert trial.tap("continue").state.node == "ask_order"
    assert trial.tap("menu.hours").state.node == "hours"


def test_the_topic_from_the_ivr_may_already_be_answered_in_the_first_message(shop: Flow):
    played = Trial(shop, context={"intent": "order_status"}).write("12345678")
    assert played.state.slots == {"order_no": "12345678"}
    assert isinstance(played.outcome, Handoff)


def test_a_first_message_does_not_fill_a_slot_that_takes_anything(bent):
    free = parse(bent(("    match: '(?<!\\d)(\\d{6,10})(?!\\d)'\n", "")))
    trial = Trial(free, context={"intent": "order_status"})
    assert trial.write("Здравствуйте").state.slots == {}
    assert trial.write("синий мишка").state.slots == {"order_no": "синий мишка"}


def test_only_what_belongs_to_the_call_card_is_remembered_from_it(shop: Flow):
    state = begin(shop, language="ru", context={"line": "a", "caller": "+79161234567", "name": ""})
    assert state.context == {"line": "a"}


def test_an_unknown_language_becomes_the_first_of_the_flow(shop: Flow):
    assert begin(shop, language="de", context={}).language == "ru"


# -- buttons ---------------------------------------------------------------------------------------


def test_a_button_routes_by_its_id_and_sets_the_topic(chat: Trial):
    played = chat.turn(Choice("f:menu:status"))
    assert (played.state.node, played.state.topic) == ("ask_order", "order_status")


def test_an_option_may_tag_and_be_tapped_only_by_id_never_by_title(chat: Trial):
    assert chat.turn(Choice("Часы работы")).state.node == "menu"
    assert chat.turn(Choice("f:menu:hours")).state.tags == ("asked_hours",)


def test_a_renamed_button_still_leads_where_its_id_leads(bent):
    renamed = Trial(parse(bent(('o_status: "Где заказ?"', 'o_status: "Мой заказ"'))))
    renamed.tap("continue")
    assert renamed.turn(Choice("f:menu:status")).state.node == "ask_order"


def test_an_old_button_still_does_the_right_thing(chat: Trial):
    chat.tap("status")
    assert chat.turn(Choice("f:menu:hours")).state.node == "hours"


def test_a_button_that_is_no_more_shows_what_can_be_chosen_now(chat: Trial):
    played = chat.turn(Choice("f:menu:gone"))
    assert "не действует" in said(played)
    assert played.says[-1].options[0].id == "f:menu:status"
    assert played.state.misses == 0


def test_continue_tapped_again_shows_the_place_and_is_no_miss(chat: Trial):
    played = chat.tap("continue")
    assert said(played) == "Чем помочь?"
    assert played.state.misses == 0


def test_not_me_ends_the_conversation_at_any_step(chat: Trial):
    chat.tap("status")
    assert chat.tap("not_me").outcome == End(Closing.NOT_ME, (), "order_status")


def test_four_options_are_a_list_with_a_button_that_opens_it(bent):
    long = Trial(
        parse(
            bent(
                (
                    "      - {id: human,",
                    "      - {id: more, text: t.o_delivery, to: delivery}\n      - {id: human,",
                ),
                ('    o_human: "Оператор"', '    o_human: "Оператор"\n    o_delivery: "Доставка"'),
            )
        )
    )
    content = long.tap("continue").says[-1].content()
    assert content.type is ContentType.LIST
    assert content.list_button == "Выбрать"
    assert len(content.options) == 4


def test_three_options_are_buttons(chat: Trial):
    assert chat.tap("continue").says[-1].content().type is ContentType.BUTTONS


# -- words -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("line", ["2", "часы работы", "Часы работы!", "ну\n2"])
def test_an_option_may_be_written_out_by_number_or_by_its_words(chat: Trial, line):
    assert chat.write(line).state.node == "hours"


def test_a_keyword_works_at_every_step(chat: Trial):
    chat.tap("hours")
    assert chat.write("а курьер привезёт?").state.node == "delivery"


def test_keywords_of_all_languages_count(chat: Trial):
    assert chat.write("delivery?").state.node == "delivery"


def test_the_keyword_that_covers_more_wins(bent):
    flow = parse(bent(("ru: [мой заказ]", "ru: [доставка моего заказа]")))
    assert Trial(flow).write("где доставка моего заказа").state.node == "ask_order"


@pytest.mark.parametrize("line", ["да", "Да, спасибо!", "спасибо большое", "yes", "помогло"])
def test_yes_in_words_means_that_it_helped(chat: Trial, line):
    chat.tap("hours")
    played = chat.write(line)
    assert played.outcome == End(Closing.SOLVED, ("asked_hours",), "hours")
    assert played.outcome.resolved


@pytest.mark.parametrize("line", ["нет", "нет, не помогло", "no", "нет спасибо"])
def test_no_in_words_means_that_it_did_not(chat: Trial, line):
    chat.tap("hours")
    assert isinstance(chat.write(line).outcome, Handoff)


def test_a_sentence_that_only_begins_with_yes_is_no_answer(chat: Trial):
    chat.tap("hours")
    assert chat.write("да вы что, закрыто").state.misses == 1


# -- slots -----------------------------------------------------------------------------------------


def test_a_slot_takes_its_value_and_goes_on_with_it_in_the_text(chat: Trial):
    chat.tap("status")
    played = chat.write("вот он: 12345678")
    assert played.state.slots == {"order_no": "12345678"}
    assert said(played) == "Заказ 12345678: зову оператора."
    assert played.outcome == Handoff(
        "orders", None, 2, ("with_number",), Reason.FLOW, "order_status"
    )


def test_a_wrong_value_is_asked_again_and_then_the_flow_goes_elsewhere(chat: Trial):
    chat.tap("status")
    assert "Какой номер заказа?" in said(chat.write("не знаю"))
    assert chat.write("правда не знаю").outcome == Handoff(
        "support", "toys", 0, ("from_bot",), Reason.FLOW, "order_status"
    )


def test_wrong_values_are_no_misses(chat: Trial):
    chat.tap("status")
    chat.write("не знаю")
    assert chat.state.misses == 0


def test_a_question_in_an_open_slot_is_answered_and_the_slot_comes_back(chat: Trial):
    chat.tap("status")
    assert chat.write("а доставка сколько стоит?").state.node == "delivery"
    played = chat.tap("yes")
    assert played.state.node == "ask_order"
    assert said(played) == "Вернёмся к вашему вопросу.\n\nКакой номер заказа?"
    assert chat.write("12345678").state.slots == {"order_no": "12345678"}


def test_after_the_menu_an_open_slot_is_forgotten(chat: Trial):
    chat.tap("status")
    chat.write("а доставка?")
    chat.write("меню")
    chat.tap("hours")
    assert isinstance(chat.tap("yes").outcome, End)


def test_a_value_in_the_question_is_not_asked_for(chat: Trial):
    played = chat.write("где мой заказ 12345678")
    assert played.state.slots == {"order_no": "12345678"}
    assert "Какой номер" not in said(played)


def test_a_card_number_is_never_taken(bent):
    free = Trial(parse(bent(("    match: '(?<!\\d)(\\d{6,10})(?!\\d)'\n", ""))))
    free.tap("continue")
    free.tap("status")
    played = free.write("моя карта 4111 1111 1111 1111")
    assert played.state.slots == {}
    assert "4111" not in played.state.to_json()
    assert "не присылайте" in said(played)


# -- commands --------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["menu.status", "menu.hours", "continue"])
def test_the_operator_comes_at_every_step(chat: Trial, place):
    chat.tap(place)
    played = chat.write("оператор")
    assert isinstance(played.outcome, Handoff)
    assert (played.outcome.queue, played.outcome.reason) == ("support", Reason.ASKED)


def test_back_goes_where_the_customer_was_and_then_to_the_menu(chat: Trial):
    chat.tap("hours")
    chat.write("доставка")
    assert chat.write("назад").state.node == "hours"
    assert chat.write("назад").state.node == "menu"
    assert chat.write("назад").state.node == "menu"


def test_the_menu_command_leads_to_the_menu(chat: Trial):
    chat.tap("status")
    assert chat.write("меню").state.node == "menu"


def test_stop_ends_the_conversation(chat: Trial):
    played = chat.write("стоп")
    assert played.outcome == End(Closing.STOPPED)
    assert not played.outcome.resolved


def test_a_language_is_offered_as_buttons_that_work_at_any_time(chat: Trial):
    offered = chat.write("язык").says[-1].options
    assert [option.id for option in offered] == ["lang:ru", "lang:en"]
    chat.tap("menu.hours")
    played = chat.tap("lang:en")
    assert played.state.language == "en"
    assert "From 10 to 22." in said(played)


def test_a_named_language_is_spoken_at_once_where_the_customer_is(chat: Trial):
    chat.tap("status")
    played = chat.write("English please")
    assert said(played) == "All right, let us go on in English.\n\nWhich order number?"


def test_a_language_that_the_flow_does_not_speak_brings_those_it_does(chat: Trial):
    played = chat.write("қазақша")
    assert played.state.language == "ru"
    assert len(played.says[-1].options) == 2


# -- the ladder and the limits ---------------------------------------------------------------------


def test_the_first_miss_rephrases_beside_the_menu_and_the_second_brings_people(chat: Trial):
    first = chat.write("абракадабра")
    assert "другими словами" in said(first)
    assert first.says[-1].options
    second = chat.write("ещё абракадабра")
    assert isinstance(second.outcome, Handoff)
    assert second.outcome.reason is Reason.MISSES


def test_being_understood_once_forgives_the_miss(chat: Trial):
    chat.write("абракадабра")
    chat.tap("hours")
    assert isinstance(chat.write("абракадабра").outcome, Continue)


def test_a_miss_after_an_answer_shows_the_menu_and_not_the_answer_again(chat: Trial):
    chat.tap("hours")
    played = chat.write("абракадабра")
    assert played.state.node == "menu"
    assert "С 10 до 22" not in said(played)


def test_a_picture_counts_as_a_miss(chat: Trial):
    assert "Я умею читать только текст" in said(chat.turn(Media("image")))
    assert isinstance(chat.turn(Media("audio")).outcome, Handoff)


def test_too_many_visits_to_one_node_bring_people(chat: Trial):
    outcomes = [chat.write("меню").outcome for _ in range(3)]
    assert outcomes[:2] == [Continue(), Continue()]
    assert isinstance(outcomes[2], Handoff)
    assert outcomes[2].reason is Reason.VISITS


def test_too_many_turns_bring_people(bent):
    short = Trial(parse(bent(("max_bot_turns: 20", "max_bot_turns: 2"))))
    short.tap("continue")
    short.tap("hours")
    played = short.write("доставка")
    assert isinstance(played.outcome, Handoff)
    assert played.outcome.reason is Reason.TURNS
    assert said(played) == "Передаю вас оператору. Он увидит переписку, повторять ничего не нужно."


def test_an_end_on_the_last_turn_is_still_an_end(bent):
    short = Trial(parse(bent(("max_bot_turns: 20", "max_bot_turns: 2"))))
    short.tap("continue")
    short.tap("hours")
    assert isinstance(short.tap("yes").outcome, End)


@pytest.mark.parametrize("turn", [Text("оператор"), Choice("f:menu:hours"), Media("image")])
def test_after_a_handoff_the_bot_is_silent(chat: Trial, turn):
    chat.write("оператор")
    before = chat.state
    played = chat.turn(turn)
    assert (played.says, played.outcome, played.state) == ((), Continue(), before)


def test_a_chat_pinned_to_another_version_goes_to_people(shop: Flow, chat: Trial, bent):
    other = parse(bent(("За 3 дня", "За 4 дня")))
    played = step(other, chat.state, Text("доставка"))
    assert isinstance(played.outcome, Handoff)
    assert played.outcome.reason is Reason.VERSION


def test_the_trace_names_steps_and_never_words(chat: Trial):
    chat.tap("status")
    trace = chat.write("мой секрет 12345678").trace
    assert trace == ("slot:order_no", "enter:orders", "handoff:flow")


# -- what is said ----------------------------------------------------------------------------------


def test_a_long_value_is_cut_and_stays_one_line(bent):
    flow = parse(bent(("    match: '(?<!\\d)(\\d{6,10})(?!\\d)'\n", "")))
    trial = Trial(flow)
    trial.tap("continue")
    trial.tap("status")
    text = said(trial.write("а\n" + "б" * 5000))
    assert len(text) < 250
    assert "\n" not in text


def test_a_greeting_too_long_to_stand_above_buttons_goes_before_them(bent):
    flow = parse(bent(('hello: "Это бот магазина.', 'hello: "Это бот магазина. ' + "б" * 1000)))
    says = Trial(flow).tap("continue").says
    assert [bool(say.options) for say in says] == [False, True]


def test_a_question_that_a_value_made_too_long_is_said_whole_before_its_buttons(bent):
    flow = parse(bent(('"Чем помочь?"', '"' + "б" * 900 + ' {line|нам} чем помочь?"')))
    trial = Trial(flow, context={"line": "л" * 200})
    says = trial.tap("continue").says
    assert says[0].text.endswith("чем помочь?")
    assert (says[1].text, len(says[1].options)) == ("Выберите, пожалуйста:", 3)


def test_a_stored_state_comes_back_as_it_was(chat: Trial):
    chat.tap("status")
    chat.write("а доставка?")
    assert BotState.from_json(chat.state.to_json()) == chat.state
    assert chat.state.over is None
    chat.write("оператор")
    assert BotState.from_json(chat.state.to_json()).over is Over.HANDOFF


@pytest.mark.parametrize("stored", ["", "[]", "{}", "null", '{"version": "a"}', '{"x": 1}', "{"])
def test_anything_else_is_no_stored_state(stored):
    with pytest.raises(ValueError, match=r".*"):
        BotState.from_json(stored)
