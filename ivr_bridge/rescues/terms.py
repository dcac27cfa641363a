"""What a line does for a caller who hung up on our word and was left with nothing."""

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

LanguageCode = Annotated[str, Field(pattern=r"^[a-z]{2}$")]

DAY_S = 24 * 3600


class RescueTerms(BaseModel):
    """The one rescue of a call: somebody calls back, or an SMS goes out first.

    An SMS only ever follows a failure that is certain, or a silence that outlasted the message's own
    time to live. Otherwise, and whenever the SMS itself fails, somebody calls back.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    by: Literal["callback", "sms"] = "callback"
    channel: str | None = None
    """The SMS channel that it goes out on."""
    text: Mapping[LanguageCode, str] = {}
    """Its words; `{link}` leads into the chat, `{brand}` writes, `{line_number}` is the line."""
    greeting: Mapping[LanguageCode, str] = {}
    """What the messenger proposes to write, when the link is followed."""
    link_valid_s: int = Field(3 * DAY_S, ge=3600, le=30 * DAY_S)

    @model_validator(mode="after")
    def _can_be_sent(self) -> Self:
        if self.by == "callback":
            return self
        if self.channel is None or not self.text:
            raise PydanticCustomError("sms_incomplete", "an SMS needs its `channel` and its `text`")
        for language, words in self.text.items():
            if "{link}" not in words:
                raise PydanticCustomError(
                    "link_missing",
                    "text.{language}: without {link} it leads nowhere",
                    {"language": language, "link": "{link}"},
                )
        return self

    def words(self, language: str) -> str:
        """The text in this language, else in the first."""
        return self.text.get(language) or next(iter(self.text.values()))
