"""What platforms let stand in a document: Twilio's own library, and the rules that others publish."""

import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass
from xml.etree import ElementTree as ET
from xml.etree.ElementTree import Element

from twilio.twiml import TwiML
from twilio.twiml.voice_response import VoiceResponse


def check_twiml(body: bytes) -> None:
    """The document can be built, verb by verb and attribute by attribute, with Twilio's library."""
    root = ET.fromstring(body)
    assert root.tag == "Response"
    rebuilt = VoiceResponse()
    _rebuild(root, rebuilt)
    assert _same(ET.fromstring(rebuilt.to_xml()), root)


def _rebuild(element: Element, into: TwiML) -> None:
    for child in element:
        verb = getattr(into, re.sub(r"(?<!^)(?=[A-Z])", "_", child.tag).lower())
        known = inspect.signature(verb).parameters
        attributes = {
            re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower(): value
            for name, value in child.attrib.items()
        }
        assert attributes.keys() <= known.keys(), f"{child.tag}: {attributes.keys() - known.keys()}"
        spoken = [child.text] if child.text else []
        _rebuild(child, verb(*spoken, **attributes))


def _same(one: Element, other: Element) -> bool:
    return (
        (one.tag, one.attrib, one.text or "") == (other.tag, other.attrib, other.text or "")
        and len(one) == len(other)
        and all(_same(*pair) for pair in zip(one, other, strict=True))
    )


@dataclass(frozen=True, slots=True)
class Rule:
    """One element: the attributes it must and may have, what may stand in it, whether text may."""

    must: frozenset[str] = frozenset()
    may: frozenset[str] = frozenset()
    holds: frozenset[str] = frozenset()
    text: bool = False


def _rule(must: str = "", may: str = "", holds: str = "", *, text: bool = False) -> Rule:
    return Rule(frozenset(must.split()), frozenset(may.split()), frozenset(holds.split()), text)


# VoiceXML 2.1 and 2.0, the elements' own sections; no schema of theirs is published in a package.
_EXECUTABLE = (
    "assign clear disconnect exit goto log prompt reprompt return script submit throw var if"
)
_VXML: Mapping[str, Rule] = {
    "vxml": _rule("version", "lang base application", "catch form link menu meta property script var"),
    "var": _rule("name", "expr"),
    "catch": _rule("", "event count cond", _EXECUTABLE),
    "form": _rule("", "id scope", "block catch field filled grammar noinput nomatch property subdialog"
                  " transfer var"),
    "block": _rule("", "name expr cond", _EXECUTABLE, text=True),
    "field": _rule("", "name expr cond type slot modal", "catch filled grammar noinput nomatch option"
                   " prompt property"),
    "grammar": _rule("version root", "mode lang base tag-format src type weight", "rule"),
    "rule": _rule("id", "scope", "one-of item ruleref", text=True),
    "one-of": _rule("", "lang", "item"),
    "item": _rule("", "repeat weight lang", text=True),
    "prompt": _rule("", "bargein bargeintype cond count timeout lang base", "audio break voice value",
                    text=True),
    "audio": _rule("", "src expr fetchtimeout fetchhint maxage maxstale", text=True),
    "break": _rule("", "strength time"),
    "voice": _rule("", "name gender age variant lang", text=True),
    "noinput": _rule("", "count cond", _EXECUTABLE),
    "nomatch": _rule("", "count cond", _EXECUTABLE),
    "filled": _rule("", "mode namelist", _EXECUTABLE),
    "goto": _rule("next", "fetchaudio fetchhint fetchtimeout maxage maxstale"),
    "submit": _rule("next", "namelist method enctype fetchaudio fetchhint fetchtimeout maxage maxstale"),
    "return": _rule("", "event eventexpr message messageexpr namelist"),
    "transfer": _rule("dest", "name expr cond bridge type connecttimeout maxtime transferaudio aai",
                      "prompt filled catch"),
    "disconnect": _rule("", "namelist"),
    "subdialog": _rule("src", "name expr cond namelist method enctype fetchaudio fetchhint fetchtimeout"
                       " maxage maxstale", "catch filled param prompt"),
}  # fmt: skip

# mod_httapi.c: what each parser looks at; `action` and `temp-action` are looked at for every one.
_HTTAPI: Mapping[str, Rule] = {
    "document": _rule("type", "", "params variables work"),
    "work": _rule("", "", "playback pause dial continue break hangup"),
    "playback": _rule("file", "name error-file action temp-action digit-timeout input-timeout loops"
                      " terminators", "bind"),
    "bind": _rule("", "strip action", text=True),
    "pause": _rule("milliseconds", "action temp-action"),
    "dial": _rule("", "context dialplan caller-id-name caller-id-number action", text=True),
    "continue": _rule("", "action temp-action"),
    "break": _rule(),
    "hangup": _rule("", "cause"),
}  # fmt: skip


def check_vxml(body: bytes) -> None:
    """Elements and attributes as the recommendation has them; what is named is there."""
    root = ET.fromstring(body)
    assert root.tag == "{http://www.w3.org/2001/vxml}vxml"
    _check(root, _VXML)
    forms = [element.get("id") for element in root.iter() if _name(element.tag) == "form"]
    known = {
        element.get("name") for element in root.iter() if _name(element.tag) in {"var", "field"}
    }
    for element in root.iter():
        target = element.get("next", "")
        if target.startswith("#"):
            assert target[1:] in forms, target
        names = set((element.get("namelist") or "").split())
        assert names <= known, names - known
    assert root.findall("{http://www.w3.org/2001/vxml}form"), (
        "a document without a dialog does nothing"
    )


def check_httapi(body: bytes) -> None:
    """Elements and attributes as the module reads them; something is to be done."""
    root = ET.fromstring(body)
    assert (root.tag, root.get("type")) == ("document", "xml/freeswitch-httapi")
    _check(root, _HTTAPI)
    work = root.find("work")
    assert work is not None
    assert len(work)


def _check(element: Element, rules: Mapping[str, Rule]) -> None:
    name = _name(element.tag)
    rule = rules[name]
    attributes = {_name(attribute) for attribute in element.attrib}
    assert rule.must <= attributes, f"{name} lacks {rule.must - attributes}"
    assert attributes <= rule.must | rule.may, f"{name} has {attributes - rule.must - rule.may}"
    assert rule.text or not (element.text or "").strip(), f"{name} holds no text"
    for child in element:
        assert _name(child.tag) in rule.holds, f"{name} holds no {_name(child.tag)}"
        _check(child, rules)


def _name(tag: str) -> str:
    return tag.rpartition("}")[2]
