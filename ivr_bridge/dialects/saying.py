"""What an IVR says: the line's own words, else ours; the texts stand in docs/ivr/prompts.md too."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ivr_bridge.line import Line
from ivr_bridge.outcome import PromptKey

OURS: Mapping[PromptKey, Mapping[str, str]] = {
    PromptKey.OFFER: {
        "ru": "Все операторы заняты. Чтобы продолжить разговор в WhatsApp, нажмите один: {brand}"
        " сразу напишет вам. Чтобы остаться на линии, нажмите два.",
        "en": "All our operators are busy. To continue on WhatsApp, press one: {brand} will write to"
        " you at once. To stay on the line, press two.",
    },
    PromptKey.PLEASE_WAIT: {
        "ru": "Отправляем сообщение, одну минуту.",
        "en": "We are sending the message, one moment.",
    },
    PromptKey.SENT_GOODBYE: {
        "ru": "Готово: сообщение уже у вас в WhatsApp. Спасибо за звонок, до свидания!",
        "en": "Done: our message is in your WhatsApp. Thank you for calling, goodbye!",
    },
    PromptKey.ALREADY_SENT_GOODBYE: {
        "ru": "Наше сообщение уже ждёт вас в WhatsApp. До свидания!",
        "en": "Our message is already waiting in your WhatsApp. Goodbye!",
    },
    PromptKey.NOT_POSSIBLE: {
        "ru": "Не получилось написать вам в WhatsApp. Пожалуйста, оставайтесь на линии.",
        "en": "We could not reach you on WhatsApp. Please stay on the line.",
    },
    PromptKey.STAY_ON_LINE: {
        "ru": "Пожалуйста, оставайтесь на линии, вам ответит первый освободившийся оператор.",
        "en": "Please stay on the line; the next free operator will answer.",
    },
}
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


def words(line: Line, key: PromptKey, language: str, *, brand: str | None = None) -> Words:
    """What the line says here in the caller's language; what it has no words for, it says in ours."""
    own = legal(_own(line, key).get(language, "")).strip()
    spoken = language if own or language in OURS[key] else "en"
    text = own or OURS[key][spoken]
    said = text.replace("{brand}", legal(brand or line.title))
    return Words(said, spoken, line.terms.dialects.voices.get(spoken))


def legal(text: str) -> str:
    """The text without what no XML document may hold."""
    return _NOT_XML.sub("", text)


def _own(line: Line, key: PromptKey) -> Mapping[str, str]:
    own = line.prompts.get(key.value, {})
    return {**line.goodbye, **own} if key in _GOODBYES else own
