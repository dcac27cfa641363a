"""What an IVR says: the line's own words, else ours; the texts stand in docs/ivr/prompts.md too."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ivr_bridge.line import Line
from ivr_bridge.outcome import PromptKey

OURS: Mapping[PromptKey, Mapping[str, str]] = {
    PromptKey.OFFER: {
        "ru": "Все операторы заняты. Чтобы продолжить разговор в {channel}, нажмите один: {brand}"
        " сразу напишет вам. Чтобы остаться на линии, нажмите два.",
        "en": "All our operators are busy. To continue on {channel}, press one: {brand} will write to"
        " you at once. To stay on the line, press two.",
    },
    PromptKey.PLEASE_WAIT: {
        "ru": "Отправляем сообщение, одну минуту.",
        "en": "We are sending the message, one moment.",
    },
    PromptKey.SENT_GOODBYE: {
        "ru": "Готово: сообщение уже у вас в {channel}. Спасибо за звонок, до свидания!",
        "en": "Done: our message is in your {channel}. Thank you for calling, goodbye!",
    },
    PromptKey.ALREADY_SENT_GOODBYE: {
        "ru": "Наше сообщение уже ждёт вас в {channel}. До свидания!",
        "en": "Our message is already waiting in your {channel}. Goodbye!",
    },
    PromptKey.NOT_POSSIBLE: {
        "ru": "Не получилось вам написать. Пожалуйста, оставайтесь на линии.",
        "en": "We could not send you a message. Please stay on the line.",
    },
    PromptKey.STAY_ON_LINE: {
        "ru": "Пожалуйста, оставайтесь на линии, вам ответит первый освободившийся оператор.",
        "en": "Please stay on the line; the next free operator will answer.",
    },
}
OURS_BY_SMS: Mapping[PromptKey, Mapping[str, str]] = {
    PromptKey.OFFER: {
        "ru": "Все операторы заняты. Чтобы получить СМС со ссылкой и продолжить в чате, нажмите один."
        " Чтобы остаться на линии, нажмите два.",
        "en": "All our operators are busy. To get a text message with a link and continue in a chat,"
        " press one. To stay on the line, press two.",
    },
    PromptKey.SENT_GOODBYE: {
        "ru": "Готово: мы отправили вам СМС. Спасибо за звонок, до свидания!",
        "en": "Done: we have sent you a text message. Thank you for calling, goodbye!",
    },
    PromptKey.ALREADY_SENT_GOODBYE: {
        "ru": "Наше СМС уже у вас в телефоне. До свидания!",
        "en": "Our text message is already on your phone. Goodbye!",
    },
}
"""A text message is in no messenger; whoever hears where to look must find it there."""

_NAMES: Mapping[str, str] = {
    "whatsapp": "WhatsApp",
    "telegram": "Telegram",
    "viber": "Viber",
    "vk": "VK",
    "messenger": "Messenger",
    "instagram": "Instagram",
    "max": "MAX",
}
_ANY_MESSENGER: Mapping[str, str] = {"ru": "мессенджере", "en": "messenger"}
_GOODBYES = frozenset({PromptKey.SENT_GOODBYE, PromptKey.ALREADY_SENT_GOODBYE})
_RECORDED = re.compile(r"(?:https?://|file:/|/)\S+")
# XML 1.0 section 2.2: what may not stand in a document even when it is escaped.
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Words:
    """One prompt: a text to be spoken, or the address of a recording to be played."""

    text: str
    language: str
    voice: str | None = None

    @property
    def recorded(self) -> bool:
        """Is it the address of a recording?"""
        return _RECORDED.fullmatch(self.text) is not None


def words(
    line: Line,
    key: PromptKey,
    language: str,
    *,
    brand: str | None = None,
    channel: str | None = None,
) -> Words:
    """What the line says here in the caller's language; what it has no words for, it says in ours."""
    own = legal(_own(line, key, channel, language)).strip()
    ours = OURS_BY_SMS.get(key, OURS[key]) if channel == "sms" else OURS[key]
    spoken = language if own or language in ours else "en"
    messenger = _NAMES.get(channel or "") or _ANY_MESSENGER.get(spoken, "messenger")
    text = (own or ours[spoken]).replace("{channel}", messenger)
    said = text.replace("{brand}", legal(brand or line.brand))
    return Words(said, spoken, line.terms.dialects.voices.get(spoken))


def legal(text: str) -> str:
    """The text without what no XML document may hold."""
    return _NOT_XML.sub("", text)


def _own(line: Line, key: PromptKey, channel: str | None, language: str) -> str:
    """`sent_goodbye.sms` is what is said instead of `sent_goodbye` when the message went by SMS."""
    goodbye = line.goodbye if key in _GOODBYES else {}
    for texts in (line.prompts.get(f"{key}.{channel}", {}), line.prompts.get(key, {}), goodbye):
        if language in texts:
            return texts[language]
    return ""
