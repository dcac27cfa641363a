"""What a line allows its IVR beyond the plain request, and how its platform speaks."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Voice = Annotated[str, Field(pattern=r"^[\x20-\x7e]+$")]


class DialectTerms(BaseModel):
    """How this line's IVR may ask, and how it is answered."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    get_form: bool = False
    """A form in the query of a GET, for platforms that can send nothing else."""
    path_key: bool = False
    """The key as a part of the address (`/v1/k/KEY/…`), for platforms that can send no header."""
    voices: dict[str, Voice] = Field(default_factory=dict)
    """The platform's voice by language, where its usual one does not fit."""
    hold_music: str | None = Field(None, pattern=r"^https?://[\x21-\x7e]+$")
    """What is played between two offers in the platform's own queue, instead of silence."""
