"""Twilio: TwiML documents (twilio.com/docs/voice/twiml)."""

from xml.etree.ElementTree import Element, SubElement, tostring

from ivr_bridge.dialects.dialect import FILLER_S, GATHER_S, Destination, Scene, Way
from ivr_bridge.dialects.saying import Words

# Say takes BCP 47 tags; a bare language is understood for none of the basic voices.
_LOCALES = {
    "ar": "ar-AE", "de": "de-DE", "en": "en-US", "es": "es-ES", "fr": "fr-FR", "he": "he-IL",
    "hi": "hi-IN", "it": "it-IT", "nl": "nl-NL", "pl": "pl-PL", "pt": "pt-BR", "ru": "ru-RU",
    "tr": "tr-TR", "uk": "uk-UA", "zh": "zh-CN",
}  # fmt: skip


def locale(language: str) -> str:
    """The language as speech services name it."""
    return _LOCALES.get(language, language)


class Twiml:
    """The decision as TwiML."""

    content_type = "text/xml"

    def offer(self, scene: Scene, words: Words) -> str:
        """Gather one key; without one, Twilio goes on to the next verb by itself."""
        response = Element("Response")
        gather = SubElement(
            response,
            "Gather",
            input="dtmf",
            numDigits="1",
            timeout=str(GATHER_S),
            action=scene.answer,
            method="POST",
        )
        _say(gather, words)
        return _closed(_on(response, scene))

    def hangup(self, scene: Scene, words: Words) -> str:
        """Goodbye, then the one verb that ends the call."""
        del scene
        response = Element("Response")
        _say(response, words)
        SubElement(response, "Hangup")
        return _closed(response)

    def poll(self, scene: Scene, words: Words | None) -> str:
        """A pause, then the question what became of it."""
        response = Element("Response")
        if words is not None:
            _say(response, words)
        SubElement(response, "Pause", length=str(FILLER_S))
        _redirect(response, scene.follow)
        return _closed(response)

    def proceed(self, scene: Scene, words: Words | None) -> str:
        """On to the line's own flow; in a queue, wait and ask again."""
        response = Element("Response")
        if words is not None:
            _say(response, words)
        return _closed(_on(response, scene))


def _on(response: Element, scene: Scene) -> Element:
    if scene.again_s is not None:
        # Inside Enqueue's waitUrl the place in the queue is Twilio's: the document only fills time.
        if scene.hold_music is not None:
            SubElement(response, "Play").text = scene.hold_music
        else:
            SubElement(response, "Pause", length=str(scene.again_s))
        _redirect(response, scene.question)
    elif scene.continues is not None:
        _leave(response, scene.continues)
    return response


def _leave(response: Element, to: Destination) -> None:
    match to.way:
        case Way.DOCUMENT:
            _redirect(response, to.address)
        case Way.SIP:
            SubElement(SubElement(response, "Dial"), "Sip").text = to.address
        case Way.NUMBER:
            SubElement(SubElement(response, "Dial"), "Number").text = to.address


def _redirect(response: Element, address: str) -> None:
    SubElement(response, "Redirect", method="POST").text = address


def _say(parent: Element, words: Words) -> None:
    if words.recorded:
        SubElement(parent, "Play").text = words.text
        return
    say = SubElement(parent, "Say", language=locale(words.language))
    if words.voice is not None:
        say.set("voice", words.voice)
    say.text = words.text


def _closed(response: Element) -> str:
    return '<?xml version="1.0" encoding="UTF-8"?>' + tostring(response, encoding="unicode")
