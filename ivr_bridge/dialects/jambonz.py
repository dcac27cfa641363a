"""jambonz: an array of verbs (docs.jambonz.org/verbs), checked against @jambonz/schema."""

import json
from typing import Any

from ivr_bridge.dialects.dialect import FILLER_S, GATHER_S, Destination, Scene, Way
from ivr_bridge.dialects.saying import Words
from ivr_bridge.dialects.twiml import locale

Verb = dict[str, Any]

WAIT_S = 60
"""So long a caller waits in the queue before the next offer, unless `again_s` says otherwise."""


class Jambonz:
    """The decision as jambonz verbs."""

    content_type = "application/json"

    def offer(self, scene: Scene, words: Words) -> str:
        """Gather one key. jambonz calls the hook on silence too, and takes its answer as what follows."""
        gather: Verb = {
            "verb": "gather",
            "input": ["digits"],
            "numDigits": 1,
            "timeout": GATHER_S,
            "actionHook": scene.answer,
        }
        said = _say(words)
        gather[said.pop("verb")] = said
        return _closed([gather, *_on(scene)])

    def hangup(self, scene: Scene, words: Words) -> str:
        """Goodbye, then the one verb that ends the call."""
        del scene
        return _closed([_say(words), {"verb": "hangup"}])

    def poll(self, scene: Scene, words: Words | None) -> str:
        """A pause, then the question what became of it."""
        said = [] if words is None else [_say(words)]
        return _closed([*said, _pause(FILLER_S), _redirect(scene.follow)])

    def proceed(self, scene: Scene, words: Words | None) -> str:
        """On to the line's own flow; in a queue, wait, then leave it to be asked again."""
        if scene.waiting:
            # A waitHook may not redirect; whoever leaves is brought to the actionHook of `enqueue`.
            return _closed([_hold(scene, scene.again_s or WAIT_S), {"verb": "leave"}])
        said = [] if words is None else [_say(words)]
        return _closed([*said, *_on(scene)])


def _on(scene: Scene) -> list[Verb]:
    if scene.continues is not None:
        return [_leave(scene.continues)]
    if scene.again_s is not None:
        return [_hold(scene, scene.again_s), _redirect(scene.question)]
    # An application must have a verb; this one does nothing but leave a word in the call's records.
    return [{"verb": "tag", "data": {"ivr_bridge": "continue"}}]


def _hold(scene: Scene, seconds: int) -> Verb:
    return (
        _pause(seconds) if scene.hold_music is None else {"verb": "play", "url": scene.hold_music}
    )


def _leave(to: Destination) -> Verb:
    match to.way:
        case Way.DOCUMENT:
            return _redirect(to.address)
        case Way.SIP:
            return {"verb": "dial", "target": [{"type": "sip", "sipUri": to.address}]}
        case Way.NUMBER:
            return {"verb": "dial", "target": [{"type": "phone", "number": to.address}]}


def _redirect(address: str) -> Verb:
    return {"verb": "redirect", "actionHook": address}


def _pause(seconds: int) -> Verb:
    return {"verb": "pause", "length": seconds}


def _say(words: Words) -> Verb:
    if words.recorded:
        return {"verb": "play", "url": words.text}
    said: Verb = {"verb": "say", "text": words.text}
    vendor, _, voice = (words.voice or "").partition("/")
    if vendor and voice:
        # Without one, the voice of the jambonz application speaks; a language alone would not fit it.
        language = locale(words.language)
        said["synthesizer"] = {"vendor": vendor, "language": language, "voice": voice}
    return said


def _closed(verbs: list[Verb]) -> str:
    return json.dumps(verbs, ensure_ascii=False, separators=(",", ":"))
