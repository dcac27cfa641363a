"""What a line allows its IVR beyond the plain request."""

from pydantic import BaseModel, ConfigDict


class DialectTerms(BaseModel):
    """How this line's IVR may ask."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    get_form: bool = False
    """A form in the query of a GET, for platforms that can send nothing else."""
