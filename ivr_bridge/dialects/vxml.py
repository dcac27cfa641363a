"""VoiceXML 2.1 documents (w3.org/TR/voicexml21), which 2.0 browsers read too.

Without a `continue_to` a document returns: ours is called as a subdialog, whose caller goes on then.
"""

import json
from xml.etree.ElementTree import Element, SubElement, tostring

from ivr_bridge.dialects.dialect import FILLER_S, GATHER_S, Destination, Scene, Way
from ivr_bridge.dialects.saying import Words
from ivr_bridge.dialects.twiml import locale

_ONWARD = "#onward"


class VoiceXml:
    """The decision as a VoiceXML document."""

    content_type = "application/voicexml+xml"

    def offer(self, scene: Scene, words: Words) -> str:
        """A field for one key; silence and other keys go on."""
        page = _page(scene, remembers=True)
        form = SubElement(page, "form", id="offer")
        key = SubElement(form, "field", name="digits")
        _one_or_two(key)
        _say(key, words, timeout=f"{GATHER_S}s")
        for nothing in ("noinput", "nomatch"):
            SubElement(SubElement(key, nothing), "goto", next=_ONWARD)
        filled = SubElement(key, "filled")
        told = " ".join([*scene.call, "digits"])
        _submit(filled, scene.answer, told)
        return _closed(_on(page, scene))

    def hangup(self, scene: Scene, words: Words) -> str:
        """Goodbye, then the one element that ends the call."""
        page = _page(scene, remembers=False)
        block = SubElement(SubElement(page, "form"), "block")
        _say(block, words)
        SubElement(block, "disconnect")
        return _closed(page)

    def poll(self, scene: Scene, words: Words | None) -> str:
        """A pause, then the question what became of it."""
        page = _page(scene, remembers=scene.again_s is not None)
        block = SubElement(SubElement(page, "form", id="poll"), "block")
        if words is not None:
            _say(block, words)
        SubElement(SubElement(block, "prompt"), "break", time=f"{FILLER_S}s")
        _submit(block, scene.follow, "")
        return _closed(_on(page, scene))

    def proceed(self, scene: Scene, words: Words | None) -> str:
        """On to the line's own flow; in a queue, wait and ask again."""
        page = _page(scene, remembers=scene.again_s is not None)
        if words is not None:
            block = SubElement(SubElement(page, "form", id="told"), "block")
            _say(block, words)
            SubElement(block, "goto", next=_ONWARD)
        return _closed(_on(page, scene))


def _page(scene: Scene, *, remembers: bool) -> Element:
    page = Element(
        "vxml",
        {
            "version": "2.1",
            "xmlns": "http://www.w3.org/2001/vxml",
            "xml:lang": locale(scene.language),
        },
    )
    # What the browser must tell again: it sends nothing by itself.
    for name, value in scene.call.items() if remembers else ():
        SubElement(page, "var", name=name, expr=json.dumps(value))
    return page


def _one_or_two(field: Element) -> None:
    grammar = SubElement(
        field,
        "grammar",
        {
            "xmlns": "http://www.w3.org/2001/06/grammar",
            "version": "1.0",
            "mode": "dtmf",
            "root": "key",
        },
    )
    keys = SubElement(SubElement(grammar, "rule", id="key", scope="public"), "one-of")
    for key in ("1", "2"):
        SubElement(keys, "item").text = key


def _on(page: Element, scene: Scene) -> Element:
    SubElement(page, "var", name="action", expr="'continue'")
    # What cannot be fetched goes on, too: the form behind this is part of the same document; and what
    # cannot be fetched from there is the calling document's to decide.
    SubElement(SubElement(page, "catch", event="error"), "goto", next=_ONWARD)
    form = SubElement(page, "form", id="onward")
    SubElement(SubElement(form, "catch", event="error"), "return", namelist="action")
    if scene.again_s is None and scene.continues is not None:
        _leave(form, scene.continues)
        return page
    block = SubElement(form, "block")
    if scene.again_s is None:
        SubElement(block, "return", namelist="action")
        return page
    wait = SubElement(block, "prompt")
    if scene.hold_music is not None:
        SubElement(wait, "audio", src=scene.hold_music)
    else:
        SubElement(wait, "break", time=f"{scene.again_s}s")
    _submit(block, scene.question, " ".join(scene.call))
    return page


def _leave(form: Element, to: Destination) -> None:
    match to.way:
        case Way.DOCUMENT:
            SubElement(SubElement(form, "block"), "goto", next=to.address)
        case Way.SIP:
            SubElement(form, "transfer", name="moved", dest=to.address, bridge="false")
        case Way.NUMBER:
            SubElement(form, "transfer", name="moved", dest=f"tel:{to.address}", bridge="false")


def _submit(parent: Element, to: str, names: str) -> None:
    """By POST, so that no number stands in an address; the answer may take as long as a decision."""
    submit = SubElement(parent, "submit", next=to, method="post", fetchtimeout="15s")
    if names:
        submit.set("namelist", names)


def _say(parent: Element, words: Words, **attributes: str) -> None:
    prompt = SubElement(parent, "prompt", attributes)
    if words.language:
        prompt.set("xml:lang", locale(words.language))
    if words.recorded:
        SubElement(prompt, "audio", src=words.text)
    elif words.voice is not None:
        SubElement(prompt, "voice", name=words.voice).text = words.text
    else:
        prompt.text = words.text


def _closed(page: Element) -> str:
    return '<?xml version="1.0" encoding="UTF-8"?>' + tostring(page, encoding="unicode")
