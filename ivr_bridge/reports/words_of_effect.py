"""Titles and definitions of what is measured against the hold-out."""

from collections.abc import Mapping

from ivr_bridge.reports.words import Language, Word, Words

_LINE_EN = Word("Line", "The line that was called.")
_LINE_RU = Word("Линия", "Линия, на которую звонили.")
_OFFERED_EN = Word(
    "Callers offered",
    "Callers who could be offered chat and were, by their first such answer of the period, whatever they"
    " did then.",
)
_OFFERED_RU = Word(
    "Предложено",
    "Клиенты, которым можно было предложить чат и предложили: по первому такому ответу за период, что бы"
    " они ни сделали потом.",
)
_HELD_OUT_EN = Word(
    "Callers held out", "Callers who could be offered chat just as well; chance decided against it."
)
_HELD_OUT_RU = Word(
    "Контрольная группа",
    "Клиенты, которым чат можно было предложить так же, но жребий решил иначе.",
)
_STATUS_EN = Word(
    "Status",
    "measured; no_hold_out: nobody is held out on this line, so the effect is not measured; not_enough:"
    " fewer than 30 callers in one of the groups, not enough calls yet; ends_not_told: of more than a"
    " tenth of the callers nobody reported how their call ended (events, or calls import).",
)
_STATUS_RU = Word(
    "Состояние",
    "measured: измерено; no_hold_out: на линии нет контрольной группы, эффект не измеряется; not_enough: в"
    " одной из групп меньше 30 клиентов, звонков пока мало; ends_not_told: более чем у десятой части"
    " клиентов неизвестно, чем кончился звонок (события или calls import).",
)
_LOW_EN = Word("from", "The lower bound of the 95 % confidence interval.")
_LOW_RU = Word("от", "Нижняя граница 95-процентного доверительного интервала.")
_HIGH_EN = Word("to", "The upper bound of the 95 % confidence interval.")
_HIGH_RU = Word("до", "Верхняя граница 95-процентного доверительного интервала.")

NET_SHARE: Mapping[Language, Words] = {
    Language.EN: Words(
        "Net share moved",
        "Of callers who could be offered chat: the share whom a person answered by voice within the line's"
        " window (repeat_call_s, else 24 hours; all their calls on all lines), among those held out, less"
        " the same share among those offered. Each caller of a line counts once, in the group that chance"
        " put them in. Newcombe's interval of a difference of two shares; the total weighs the lines'"
        " differences by their callers.",
        {
            "line": _LINE_EN,
            "offered": _OFFERED_EN,
            "held_out": _HELD_OUT_EN,
            "answered_offered": Word(
                "Answered, offered", "The share of offered callers whom a person answered."
            ),
            "answered_held_out": Word(
                "Answered, held out", "The share of held-out callers whom a person answered."
            ),
            "net": Word("Net", "Answered of those held out, less answered of those offered."),
            "low": _LOW_EN,
            "high": _HIGH_EN,
            "unknown": Word(
                "End unknown", "Callers of whose first call neither end nor answer was reported."
            ),
            "status": _STATUS_EN,
        },
    ),
    Language.RU: Words(
        "Чистая доля перешедших",
        "Среди клиентов, которым можно было предложить чат: доля тех, кому за окно линии (repeat_call_s,"
        " иначе 24 часа; все их звонки на все линии) ответил голосом человек, в контрольной группе минус та"
        " же доля среди получивших предложение. Каждый клиент линии считается один раз, в группе, в которую"
        " попал по жребию. Интервал Ньюкомба для разности долей; итог взвешивает разности линий по числу"
        " клиентов.",
        {
            "line": _LINE_RU,
            "offered": _OFFERED_RU,
            "held_out": _HELD_OUT_RU,
            "answered_offered": Word(
                "Ответил человек, предложено", "Доля получивших предложение, кому ответил человек."
            ),
            "answered_held_out": Word(
                "Ответил человек, контроль", "Доля контрольной группы, кому ответил человек."
            ),
            "net": Word("Чистая доля", "Доля в контрольной группе минус доля среди предложенных."),
            "low": _LOW_RU,
            "high": _HIGH_RU,
            "unknown": Word(
                "Конец неизвестен",
                "Клиенты, о первом звонке которых не сообщили ни конца, ни ответа.",
            ),
            "status": _STATUS_RU,
        },
    ),
}

REPEAT_CALLS: Mapping[Language, Words] = {
    Language.EN: Words(
        "Repeat calls",
        "Of callers who could be offered chat: the share who called again, on any line, within the line's"
        " window (repeat_call_s, else 24 hours) after their first call of the period, by line and by what"
        " they wanted. The effect is the difference from the callers held out, with Newcombe's interval.",
        {
            "line": _LINE_EN,
            "intent": Word("Intent", "What the caller wanted, where the IVR told."),
            "offered": _OFFERED_EN,
            "repeated_offered": Word("Again, offered", "Of those offered: called again."),
            "held_out": _HELD_OUT_EN,
            "repeated_held_out": Word("Again, held out", "Of those held out: called again."),
            "more": Word(
                "More", "How much larger the share of those offered is; below zero, smaller."
            ),
            "low": _LOW_EN,
            "high": _HIGH_EN,
            "status": _STATUS_EN,
        },
    ),
    Language.RU: Words(
        "Повторные звонки",
        "Среди клиентов, которым можно было предложить чат: доля позвонивших снова, на любую линию, за окно"
        " линии (repeat_call_s, иначе 24 часа) после первого звонка за период, по линиям и темам. Эффект —"
        " разность с контрольной группой, с интервалом Ньюкомба.",
        {
            "line": _LINE_RU,
            "intent": Word("Тема", "Чего хотел клиент, если IVR сообщил."),
            "offered": _OFFERED_RU,
            "repeated_offered": Word(
                "Снова, предложено", "Из получивших предложение: позвонили снова."
            ),
            "held_out": _HELD_OUT_RU,
            "repeated_held_out": Word("Снова, контроль", "Из контрольной группы: позвонили снова."),
            "more": Word(
                "Больше на", "Насколько доля среди предложенных больше; ниже нуля — меньше."
            ),
            "low": _LOW_RU,
            "high": _HIGH_RU,
            "status": _STATUS_RU,
        },
    ),
}

SAVINGS: Mapping[Language, Words] = {
    Language.EN: Words(
        "Savings",
        "Voice minutes that the offered callers did not spend: the mean minutes of a held-out caller, less"
        " those of an offered one, times the offered callers. All calls of a caller within the line's window"
        " count, each to its reported end and at most four hours. In money: times the cost of a minute, less"
        " the openings sent, as `costs` in the workspace file says. Welch's interval; it says how sure the"
        " minutes are.",
        {
            "line": _LINE_EN,
            "callers": _OFFERED_EN,
            "minutes": Word("Minutes saved", "Against the callers held out."),
            "minutes_low": _LOW_EN,
            "minutes_high": _HIGH_EN,
            "messages": Word("Openings", "Messages that opened a chat; each may have to be paid."),
            "saved": Word(
                "Saved", "Minutes times their cost, less the openings; empty without costs."
            ),
            "low": _LOW_EN,
            "high": _HIGH_EN,
            "currency": Word("Currency", "As the workspace file says."),
            "status": _STATUS_EN,
        },
    ),
    Language.RU: Words(
        "Экономия",
        "Минуты разговора, которых не потратили получившие предложение: среднее число минут клиента"
        " контрольной группы минус среднее у получивших предложение, умноженное на их число. Считаются все"
        " звонки клиента за окно линии, каждый до сообщённого конца и не дольше четырёх часов. В деньгах:"
        " умножено на цену минуты минус отправленные сообщения, как сказано в `costs` файла рабочего"
        " пространства. Интервал Уэлча: насколько надёжны минуты.",
        {
            "line": _LINE_RU,
            "callers": _OFFERED_RU,
            "minutes": Word("Сэкономлено минут", "Относительно контрольной группы."),
            "minutes_low": _LOW_RU,
            "minutes_high": _HIGH_RU,
            "messages": Word("Сообщения", "Сообщения, открывшие чат: каждое может быть платным."),
            "saved": Word("Экономия", "Минуты по их цене минус сообщения; пусто без цен."),
            "low": _LOW_RU,
            "high": _HIGH_RU,
            "currency": Word("Валюта", "Как сказано в файле рабочего пространства."),
            "status": _STATUS_RU,
        },
    ),
}
