"""Titles and definitions of reports and their columns, in each language."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Language(StrEnum):
    """What definitions are written in."""

    EN = "en"
    RU = "ru"


@dataclass(frozen=True, slots=True)
class Word:
    """What a thing is called, and what it counts."""

    title: str
    definition: str


@dataclass(frozen=True, slots=True)
class Words:
    """A report and its columns in one language."""

    title: str
    definition: str
    columns: Mapping[str, Word]


def language_of(accepted: str, own: Sequence[str]) -> Language:
    """The first language of `Accept-Language` that is spoken here, else the workspace's, else English."""
    ranked = []
    for position, part in enumerate(accepted.split(",")[:20]):
        tag, _, parameters = part.strip().partition(";")
        ranked.append((-_quality(parameters), position, tag[:2].lower()))
    wanted = [tag for quality, _, tag in sorted(ranked) if quality < 0]
    for tag in (*wanted, *own[:1]):
        if tag in set(Language):
            return Language(tag)
    return Language.EN


def _quality(parameters: str) -> float:
    name, _, value = parameters.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0


_SHARE_EN = Words(
    "Voice to chat",
    "Calls that moved to chat, divided by the calls that could be offered it. A call moved when the IVR"
    " was told to hang up, reported its end, no person answered it after that, and the same customer"
    " wrote within 24 hours. Counted on the day on which the call began, each call once.",
    {
        "day": Word("Day", "The day on which the call began, in the workspace's timezone."),
        "line": Word("Line", "The line that was called."),
        "eligible": Word(
            "Could be offered chat",
            "Calls for which an answer before the offer said “offer”; or, where the IVR does not ask,"
            " calls that were offered chat or tried to move to it.",
        ),
        "deflected": Word(
            "Moved to chat",
            "Of these: the hang-up is confirmed by the call's events, and the customer wrote within 24"
            " hours. Whoever answered “not me” did not move.",
        ),
        "deflected_30min": Word("within 30 min", "Of those who moved: wrote within 30 minutes."),
        "unconfirmed": Word(
            "Not confirmed",
            "The IVR was told to hang up, but has not reported the end of the call. Not counted as moved.",
        ),
        "hung_up_silent": Word(
            "Never wrote",
            "The hang-up is confirmed, but the customer did not write within 24 hours. Saves nothing.",
        ),
        "share": Word(
            "Share", "Moved to chat, divided by could be offered chat; empty when nobody could."
        ),
    },
)

_SHARE_RU = Words(
    "Из звонка в чат",
    "Доля звонков, перешедших в чат, среди тех, которым его можно было предложить. Звонок перешёл, если"
    " IVR получил команду завершить его и сообщил о завершении, никто после этого не ответил голосом, и"
    " тот же клиент написал в течение 24 часов. Каждый звонок считается один раз, в день своего начала.",
    {
        "day": Word("День", "День начала звонка в часовом поясе рабочего пространства."),
        "line": Word("Линия", "Линия, на которую звонили."),
        "eligible": Word(
            "Можно предложить чат",
            "Звонки, для которых проверка перед предложением ответила «offer»; а если IVR не проверяет —"
            " звонки, в которых чат предложили или пытались начать.",
        ),
        "deflected": Word(
            "Перешли в чат",
            "Из них: завершение подтверждено событиями звонка, и клиент написал в течение 24 часов."
            " Ответившие «это не я» не считаются.",
        ),
        "deflected_30min": Word("за 30 минут", "Из перешедших: написали в течение 30 минут."),
        "unconfirmed": Word(
            "Не подтверждено",
            "IVR получил команду завершить звонок, но не сообщил о его завершении. Перешедшими не"
            " считаются.",
        ),
        "hung_up_silent": Word(
            "Так и не написали",
            "Завершение подтверждено, но за 24 часа клиент не написал. Экономии нет.",
        ),
        "share": Word(
            "Доля",
            "Перешли в чат, делённое на «можно предложить чат»; пусто, если предлагать некому.",
        ),
    },
)

_FUNNEL_EN = Words(
    "From the call to the closed chat",
    "How many of the calls that began in the period came at least this far: entered; could be offered"
    " chat; offered; accepted; message sent; message delivered; call ended by the IVR, confirmed by its"
    " events; customer wrote within 24 hours; got an answer from the bot or a person; chat closed. Each"
    " call is counted once, by the attempt that came furthest.",
    {
        "step": Word("Step", "How far the calls came."),
        "count": Word("Calls", "Calls that came at least this far."),
        "of_previous": Word(
            "Of the step before", "Calls of this step, divided by those of the step before."
        ),
        "of_first": Word("Of all calls", "Calls of this step, divided by all calls."),
        "dropped": Word(
            "Left before", "Calls of the step before that did not come this far, by reason."
        ),
    },
)

_FUNNEL_RU = Words(
    "От звонка до закрытого чата",
    "Сколько звонков, начавшихся за период, дошло хотя бы до этого шага: звонок поступил; можно"
    " предложить чат; предложили; клиент согласился; сообщение отправлено; сообщение доставлено; IVR"
    " завершил звонок, и это подтверждено событиями; клиент написал в течение 24 часов; получил ответ"
    " бота или человека; чат закрыт. Каждый звонок считается один раз, по самой успешной попытке.",
    {
        "step": Word("Шаг", "Докуда дошли звонки."),
        "count": Word("Звонки", "Звонки, дошедшие хотя бы до этого шага."),
        "of_previous": Word(
            "От предыдущего шага", "Звонки этого шага, делённые на звонки предыдущего."
        ),
        "of_first": Word("От всех звонков", "Звонки этого шага, делённые на все звонки."),
        "dropped": Word(
            "Ушли раньше", "Звонки предыдущего шага, не дошедшие до этого, по причинам."
        ),
    },
)

_ROWS_EN = Words(
    "Attempts to move calls",
    "One row for each attempt to move a call that began in the period. A figure of “Voice to chat” is"
    " the number of its rows under “Counts as”, because each call counts in one row.",
    {
        "deflection_id": Word("Attempt", "The attempt, as the API names it."),
        "at": Word("Time", "When the attempt was made."),
        "line": Word("Line", "The line that was called."),
        "call_id": Word(
            "Call", "The call, as the IVR names it; a caller's number in it is masked."
        ),
        "outcome": Word("Told the IVR", "hangup, continue, or still pending."),
        "reason": Word("Reason", "Why, in the words of the API."),
        "channel": Word("Channel", "The messenger."),
        "delivery": Word("Message", "What became of the opening message."),
        "first_message_at": Word(
            "First message", "The customer's first message after the attempt, whenever it came."
        ),
        "hangup_confirmed": Word(
            "Hang-up confirmed",
            "The call's events say that it ended and that no person answered it after the hang-up; empty"
            " when there was none.",
        ),
        "late": Word(
            "Late", "The message arrived after the call had gone on; never counted as moved."
        ),
        "rescued": Word(
            "Called back", "The caller was left without a message and was queued for a call back."
        ),
        "counts_as": Word(
            "Counts as",
            "deflected: moved to chat. silent: did not write within 24 hours, or answered “not me”."
            " unconfirmed: the end of the call was not reported. answered_after: a person answered after"
            " the hang-up. continue, pending: not told to hang up. not_eligible: must not be offered chat."
            " same_call: the call counts in another row.",
        ),
    },
)

_ROWS_RU = Words(
    "Попытки перевести звонок в чат",
    "Строка на каждую попытку перевести звонок, начавшийся за период. Показатель отчёта «Из звонка в чат»"
    " равен числу его строк в столбце «Учтено как»: каждый звонок учтён в одной строке.",
    {
        "deflection_id": Word("Попытка", "Попытка, как её называет API."),
        "at": Word("Время", "Когда сделана попытка."),
        "line": Word("Линия", "Линия, на которую звонили."),
        "call_id": Word("Звонок", "Звонок, как его называет IVR; номер клиента в нём скрыт."),
        "outcome": Word("Ответ для IVR", "hangup, continue или ещё pending."),
        "reason": Word("Причина", "Почему, словами API."),
        "channel": Word("Канал", "Мессенджер."),
        "delivery": Word("Сообщение", "Что стало с первым сообщением."),
        "first_message_at": Word(
            "Клиент написал", "Первое сообщение клиента после попытки, когда бы оно ни пришло."
        ),
        "hangup_confirmed": Word(
            "Завершение подтверждено",
            "По событиям звонка он завершился, и после этого никто не ответил голосом; пусто, если"
            " завершать не просили.",
        ),
        "late": Word(
            "Опоздало", "Сообщение пришло, когда звонок уже продолжился; переходом не считается."
        ),
        "rescued": Word(
            "Перезвонить", "Клиент остался без сообщения, и ему поставлен обратный звонок."
        ),
        "counts_as": Word(
            "Учтено как",
            "deflected: перешёл в чат. silent: не написал за 24 часа или ответил «это не я». unconfirmed:"
            " о завершении звонка не сообщили. answered_after: после завершения ответил человек. continue,"
            " pending: завершать не просили. not_eligible: предлагать было нельзя. same_call: звонок учтён"
            " в другой строке.",
        ),
    },
)

MOVED: Mapping[str, Mapping[Language, Words]] = {
    "voice-to-chat": {Language.EN: _SHARE_EN, Language.RU: _SHARE_RU},
    "deflection-funnel": {Language.EN: _FUNNEL_EN, Language.RU: _FUNNEL_RU},
    "deflections": {Language.EN: _ROWS_EN, Language.RU: _ROWS_RU},
}
