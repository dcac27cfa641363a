import pytest

from handoff.triage.commands import Command, CommandKind, command


@pytest.mark.parametrize(
    "text",
    [
        "оператор",
        "Оператора, пожалуйста!!",
        "ОПЕРАТОР",
        "позовите человека",
        "Соедините меня с живым человеком",
        "можно поговорить с менеджером?",
        "не могу дозвониться до оператора",
        "человек",
        "operator please",
        "I want to talk to a human",
        "real person",
        "agent",
        "can I speak with someone",
        "операторға қосыңыз",
        "адаммен сөйлескім келеді",
        "موظف",
        "أريد التحدث مع موظف",
        "مُوَظَّف من فضلك",
    ],
)
def test_a_person_is_asked_for_in_many_ways(text):
    assert command(text) == Command(CommandKind.OPERATOR)


@pytest.mark.parametrize(
    "text",
    [
        "есть ли человек-паук?",
        "оператор не нужен",
        "можно без оператора",
        "I don't need an operator",
        "where is my order",
        "спасибо",
        "пожалуйста",
        "",
        "🙂",
    ],
)
def test_not_every_mention_of_people_asks_for_one(text):
    assert command(text) is None


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("меню", CommandKind.MENU),
        ("/menu", CommandKind.MENU),
        ("Главное меню.", CommandKind.MENU),
        ("мәзір", CommandKind.MENU),
        ("القائمة", CommandKind.MENU),
        ("назад", CommandKind.BACK),
        ("back", CommandKind.BACK),
        ("артқа", CommandKind.BACK),
        ("رجوع", CommandKind.BACK),
        ("СТОП", CommandKind.STOP),
        ("stop!", CommandKind.STOP),
        ("тоқта", CommandKind.STOP),
        ("توقف", CommandKind.STOP),
        ("сменить язык", CommandKind.LANGUAGE),
        ("language", CommandKind.LANGUAGE),
        ("тіл", CommandKind.LANGUAGE),
        ("اللغة", CommandKind.LANGUAGE),
    ],
)
def test_commands_are_understood_in_four_languages(text, kind):
    assert command(text) == Command(kind)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("English please", "en"),
        ("in english", "en"),
        ("по-русски", "ru"),
        ("Қазақша", "kk"),
        ("العربية", "ar"),
        ("русский", "ru"),
    ],
)
def test_a_language_can_be_named_outright(text, language):
    assert command(text) == Command(CommandKind.LANGUAGE, language)


def test_a_command_inside_a_sentence_is_not_one():
    assert command("в меню нет моего вопроса") is None
    assert command("верните мне деньги назад") is None


def test_in_a_burst_the_operator_outranks_the_menu():
    assert command("меню\nздравствуйте\nоператор") == Command(CommandKind.OPERATOR)
