"""What a customer is told about being called, in the languages that the house speaks by itself."""

from collections.abc import Mapping
from types import MappingProxyType

from messaging.content import Content, ContentType, Option

CALL_ME, STAY = "v:call", "v:stay"
"""The buttons' ids; handoff/conversation/inbound.py publishes what begins with `v:`."""

_FALLBACK = "en"
_WORDS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "ru": {
            "offer": "Операторы ещё заняты. Мы можем перезвонить: ваше место в очереди сохранится. "
            "Или подождите ответа здесь.",
            "promise": "Мы перезвоним вам, ваше место в очереди сохранено. Повторять ничего не "
            "придётся.",
            "staying": "Хорошо, остаёмся в чате. Звонить не будем.",
            "call_me": "Перезвоните мне",
            "stay": "Остаться в чате",
        },
        "en": {
            "offer": "Our operators are still busy. We can call you: your place in the queue is "
            "kept. Or wait for the answer here.",
            "promise": "We will call you; your place in the queue is kept. There is no need to "
            "repeat anything.",
            "staying": "All right, we stay in this chat and will not call.",
            "call_me": "Call me",
            "stay": "Stay in this chat",
        },
        "kk": {
            "offer": "Операторлар әлі бос емес. Біз сізге қоңырау шала аламыз: кезектегі орныңыз "
            "сақталады. Немесе жауапты осында күтіңіз.",
            "promise": "Біз сізге қоңырау шаламыз, кезектегі орныңыз сақталды. Ештеңені қайталаудың "
            "қажеті жоқ.",
            "staying": "Жақсы, чатта қаламыз. Қоңырау шалмаймыз.",
            "call_me": "Маған қоңырау шал",
            "stay": "Чатта қалу",
        },
        "ar": {
            "offer": "ما زال موظفونا مشغولين. يمكننا الاتصال بك مع الاحتفاظ بدورك في الانتظار، أو "
            "انتظر الرد هنا.",
            "promise": "سنتصل بك، ودورك في الانتظار محفوظ. لا داعي لتكرار أي شيء.",
            "staying": "حسنًا، نبقى في هذه المحادثة ولن نتصل.",
            "call_me": "اتصلوا بي",
            "stay": "البقاء في المحادثة",
        },
    }
)


def offer(language: str) -> Content:
    """May we call?"""
    words = _of(language)
    options = (Option(CALL_ME, words["call_me"]), Option(STAY, words["stay"]))
    return Content(type=ContentType.BUTTONS, text=words["offer"], options=options)


def promise(language: str) -> Content:
    """We shall call."""
    words = _of(language)
    options = (Option(STAY, words["stay"]),)
    return Content(type=ContentType.BUTTONS, text=words["promise"], options=options)


def staying(language: str) -> Content:
    """We shall not."""
    return Content(type=ContentType.TEXT, text=_of(language)["staying"])


def _of(language: str) -> Mapping[str, str]:
    return _WORDS.get(language, _WORDS[_FALLBACK])
