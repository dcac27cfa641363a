"""The small pieces a flow file is made of: names, texts, tags and times, each with its own advice."""

import re
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict

# Telegram gives a button 64 bytes for its id, and ours is `f:<node>:<option>`.
_NAME = re.compile(r"[a-z][a-z0-9_]{0,23}")
_DURATION = re.compile(r"[0-9]{1,4}[smhd]")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_TITLE = 60
_TAG = re.compile(r"[^\s,;]{1,40}")


def _name(value: str) -> str:
    if not _NAME.fullmatch(value):
        raise ValueError(
            f"`{value}` cannot be a name: use up to 24 small Latin letters, digits and _, "
            "beginning with a letter"
        )
    return value


def _text_ref(value: str) -> str:
    if not value.startswith("t.") or not _NAME.fullmatch(value[2:]):
        raise ValueError(
            "texts are named here and written under `texts:` in every language: "
            "write t.name, not the words themselves"
        )
    return value


def _language(value: str) -> str:
    if not re.fullmatch(r"[a-z]{2,3}", value):
        raise ValueError(f"`{value}` is not a language code like ru or en")
    return value


def _duration(value: str) -> str:
    if not _DURATION.fullmatch(value):
        raise ValueError(f"`{value}` is not a time: write a number and s, m, h or d, as in 24h")
    return value


def _title(value: str) -> str:
    if not value.strip() or len(value) > _TITLE:
        raise ValueError(f"a title is made of 1 to {_TITLE} characters")
    return value


def _tag(value: str) -> str:
    if not _TAG.fullmatch(value):
        raise ValueError(f"`{value}` cannot be a tag: use one word of up to 40 characters")
    return value


Name = Annotated[str, AfterValidator(_name)]
TextRef = Annotated[str, AfterValidator(_text_ref)]
LanguageCode = Annotated[str, AfterValidator(_language)]
TagName = Annotated[str, AfterValidator(_tag)]
Title = Annotated[str, AfterValidator(_title)]
Duration = Annotated[str, AfterValidator(_duration)]
Resolution = Literal["solved", "unsolved"]


class Part(BaseModel):
    """A piece of a flow: unknown keys are refused, and nothing changes after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


def span(written: str) -> timedelta:
    """A time such as `24h`, as it was read."""
    return timedelta(**{_UNITS[written[-1]]: int(written[:-1])})
