"""Global commands, understood at every step and in every language at once."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from handoff.triage.words import lines


class CommandKind(StrEnum):
    """What a customer may ask of the bot itself; the first named wins within one burst."""

    OPERATOR = "operator"
    STOP = "stop"
    LANGUAGE = "language"
    MENU = "menu"
    BACK = "back"


@dataclass(frozen=True, slots=True)
class Command:
    """A recognised command; `language` is set when a language was named."""

    kind: CommandKind
    language: str | None = None


# A whole line, politeness aside, must be one of these: `человек` alone asks for a person, but a
# toy shop is also asked about a человек-паук.
_LINES: Mapping[CommandKind, str] = {
    CommandKind.OPERATOR: """
        оператор | человек | человека | живой человек | менеджер | менеджера | консультант |
        консультанта | сотрудник | сотрудника | специалист | поддержка | техподдержка |
        operator | agent | human | person | a human | a person | support | manager | representative |
        someone | customer service | real person |
        адам | менеджер керек | маман |
        موظف | موظفة | مشغل | شخص | انسان | إنسان | الدعم | خدمة العملاء | مدير
        """,
    CommandKind.STOP: """
        стоп | хватит | прекрати | прекратите | отстань | отпишите | отписаться | не пишите |
        stop | quit | exit | unsubscribe | stop it | stop writing |
        тоқта | тоқтат | жетеді | توقف | ايقاف | إيقاف | قف | الغاء الاشتراك | إلغاء الاشتراك
        """,
    CommandKind.LANGUAGE: """
        язык | сменить язык | поменять язык | другой язык | выбор языка |
        language | change language | another language | switch language |
        тіл | тілді ауыстыру | тілді өзгерту | اللغة | لغة | تغيير اللغة
        """,
    CommandKind.MENU: """
        меню | главное меню | в меню | в главное меню | начало | в начало | сначала | старт |
        помощь | помогите |
        menu | main menu | the menu | start | start over | home | help |
        мәзір | басты мәзір | القائمة | القائمة الرئيسية | قائمة | البداية
        """,
    CommandKind.BACK: """
        назад | вернуться | вернись | шаг назад | обратно |
        back | go back | step back | previous |
        артқа | кері | رجوع | عودة | للخلف | السابق
        """,
}

_LANGUAGES: Mapping[str, str] = {
    "ru": """русский | по русски | на русском | русский язык | russian | in russian | орысша |
        орыс тілі | الروسية | روسي""",
    "en": """english | in english | английский | по английски | на английском | английский язык |
        ағылшынша | ағылшын тілі | الانجليزية | الإنجليزية | انجليزي | إنجليزي""",
    "kk": """қазақша | казакша | қазақ тілі | казахский | по казахски | на казахском | kazakh |
        in kazakh | الكازاخية""",
    "ar": """العربية | عربي | بالعربية | арабский | по арабски | на арабском | арабша | arabic |
        in arabic""",
}

_POLITE = frozenset(
    ["пожалуйста", "плиз", "пж", "пжлст", "хочу", "нужен", "нужна", "мне", "дайте", "позовите", "можно", "а", "ну", "please", "pls", "plz", "i", "want", "need", "an", "the", "give", "me", "өтінемін", "керек", "маған", "من", "فضلك", "اريد", "أريد"]
)  # fmt: skip

# Asking for a person inside a longer sentence: these words have hardly another sense.
_OPERATOR = re.compile(
    r"""(?<!\w)(?:
        оператор\w* | жив(?:ой|ого|ым|ому)\ (?:человек|сотрудник|менеджер|консультант)\w*
      | (?:позов|соедин|переключ|перевед|поговор|пообщ|свяж)\w*(?:\ \w+){0,3}\ (?:человек|сотрудник|менеджер|консультант|специалист)\w*
      | operators? | (?:human|live|real)\ (?:agent|person|being|operator)
      | (?:talk|speak|chat|connect|transfer)\w*(?:\ \w+){0,3}\ (?:human|person|agent|someone|representative|manager)
      | адаммен\ сөйлес\w* | (?:شخص|موظف)\ حقيقي | (?:التحدث|اتحدث|أتحدث|تحدث)(?:\ \w+){0,3}\ (?:موظف|شخص|مشغل)
    )(?!\w)""",
    re.VERBOSE,
)
_NO_OPERATOR = re.compile(
    r"""(?<!\w)(?:
        не\ (?:надо|нужен|нужно|нужна|хочу|зови|зовите)(?:\ \w+)?\ оператор\w* | без\ оператор\w*
      | оператор\w*\ не\ (?:надо|нужен|нужно) | оператор\w*\ (?:керек|қажет)\ емес
      | (?:no|without)\ (?:an\ )?operator | (?:don\ t|dont|do\ not)\ (?:need|want)\ (?:an\ |the\ )?operator
    )(?!\w)""",
    re.VERBOSE,
)


def _table() -> dict[str, Command]:
    known = {
        _bare(line): Command(kind)
        for kind, written in _LINES.items()
        for text in written.split("|")
        for line in lines(text.replace("\n", " "))
    }
    for language, written in _LANGUAGES.items():
        for text in written.split("|"):
            for line in lines(text.replace("\n", " ")):
                known[line] = Command(CommandKind.LANGUAGE, language)
    return known


def _bare(line: str) -> str:
    """The line without politeness, unless politeness is all it is."""
    return " ".join(word for word in line.split() if word not in _POLITE) or line


def command(text: str) -> Command | None:
    """The command in this text, if it holds one; in a burst, the one that matters most."""
    found = [asked for line in lines(text) if (asked := _of_line(line))]
    ranks = list(CommandKind)
    return min(found, key=lambda asked: ranks.index(asked.kind), default=None)


def _of_line(line: str) -> Command | None:
    if asked := _KNOWN.get(line) or _KNOWN.get(_bare(line)):
        return asked
    if _OPERATOR.search(line) and not _NO_OPERATOR.search(line):
        return Command(CommandKind.OPERATOR)
    return None


_KNOWN = _table()
