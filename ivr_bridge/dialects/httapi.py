"""FreeSWITCH's mod_httapi: its own XML, read with 200 and text/xml only.

The module asks again when a document is done, at the address that the last `action` named, until it
meets `break`, which gives the call back to the dialplan; it does so on every error too.
"""

from xml.etree.ElementTree import Element, SubElement, tostring

from ivr_bridge.dialects.dialect import FILLER_S, GATHER_S, Destination, Scene, Way
from ivr_bridge.dialects.saying import Words


class Httapi:
    """The decision as an httapi document."""

    content_type = "text/xml"

    def offer(self, scene: Scene, words: Words) -> str:
        """Play, and take one key to `answer`; silence is taken there too, without a key."""
        work = Element("work")
        question = SubElement(
            work,
            "playback",
            {
                "name": "digits",
                "file": _file(words),
                "action": scene.answer,
                "input-timeout": str(GATHER_S * 1000),
                "digit-timeout": "1000",
            },
        )
        SubElement(question, "bind").text = r"~\d{1}"
        return _closed(work)

    def hangup(self, scene: Scene, words: Words) -> str:
        """Goodbye, then the one verb that ends the call."""
        del scene
        work = Element("work")
        _say(work, words)
        SubElement(work, "hangup", cause="NORMAL_CLEARING")
        return _closed(work)

    def poll(self, scene: Scene, words: Words | None) -> str:
        """A pause, then the question what became of it."""
        work = Element("work")
        if words is not None:
            _say(work, words)
        _pause(work, FILLER_S, scene.follow)
        return _closed(work)

    def proceed(self, scene: Scene, words: Words | None) -> str:
        """Back to the dialplan, unless the line names another place."""
        work = Element("work")
        if words is not None:
            _say(work, words)
        if scene.again_s is not None:
            if scene.hold_music is not None:
                SubElement(work, "playback", file=scene.hold_music, action=scene.question)
            else:
                _pause(work, scene.again_s, scene.question)
        elif scene.continues is not None:
            _leave(work, scene.continues)
        else:
            SubElement(work, "break")
        return _closed(work)


def _leave(work: Element, to: Destination) -> None:
    match to.way:
        case Way.DOCUMENT:
            SubElement(work, "continue", action=to.address)
        case Way.SIP:
            # A dial string: the profile must allow `dial-full-originate`.
            SubElement(work, "dial").text = f"sofia/external/{to.address}"
            SubElement(work, "break")
        case Way.NUMBER:
            SubElement(work, "dial").text = to.address
            SubElement(work, "break")


def _pause(work: Element, seconds: int, action: str) -> None:
    SubElement(work, "pause", milliseconds=str(seconds * 1000), action=action)


def _say(work: Element, words: Words) -> None:
    # A prompt that cannot be played does not keep the rest of the document from being done.
    SubElement(work, "playback", file=_file(words))


def _file(words: Words) -> str:
    """A recording, or `say:engine:voice:text`; without both the channel's tts_engine and tts_voice."""
    if words.recorded:
        return words.text.removeprefix("file://")
    # Colons separate the parts of a say: address.
    text = words.text.replace(":", ",")
    engine, _, voice = (words.voice or "").partition("/")
    return f"say:{engine}:{voice}:{text}" if engine and voice else f"say:{text}"


def _closed(work: Element) -> str:
    document = Element("document", type="xml/freeswitch-httapi")
    document.append(work)
    return '<?xml version="1.0" encoding="UTF-8"?>' + tostring(document, encoding="unicode")
