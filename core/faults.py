"""Expected failures. Two families answer the asker's only question: does asking again help?

A leaf carries a stable code and, as its docstring, the sentence people are shown. One middleware
(core.problems) turns them into problem+json; anything that is not a Fault is a bug and crashes loudly.
"""

from collections.abc import Mapping
from typing import Any, ClassVar


class Fault(Exception):
    """Something expected went wrong."""

    status: ClassVar[int] = 500
    retry: ClassVar[bool] = False
    code: ClassVar[str] = "fault"

    def __init_subclass__(
        cls, status: int | None = None, code: str | None = None, *, retry: bool | None = None
    ) -> None:
        """Class keywords are the declaration: `class WindowClosed(Refused, code="window_closed")`."""
        super().__init_subclass__()
        if status is not None:
            cls.status = status
        if code is not None:
            cls.code = code
        if retry is not None:
            cls.retry = retry

    def __init__(self, detail: str | None = None, **facts: Any) -> None:
        """`facts` are extra members of the problem document; never personal data."""
        self.detail = detail or (type(self).__doc__ or "").strip()
        self.facts: Mapping[str, Any] = facts
        super().__init__(self.detail)


class Refused(Fault, status=409, code="refused"):
    """No, and asking again will not help."""


class Unavailable(Fault, status=503, code="unavailable", retry=True):
    """Not now; try again shortly."""


class Invalid(Refused, status=400, code="invalid_request"):
    """The request does not fit; see `errors`."""


class Unauthorized(Refused, status=401, code="unauthorized"):
    """Sign in, or send a key that is valid."""


class Forbidden(Refused, status=403, code="forbidden"):
    """This is not yours to see or change."""


class NotFound(Refused, status=404, code="not_found"):
    """There is nothing here under this name."""


class TooLarge(Refused, status=413, code="too_large"):
    """The body is larger than this address accepts."""


class RateLimited(Unavailable, status=429, code="rate_limited"):
    """Too many requests; wait for the seconds in Retry-After."""


class Overloaded(Unavailable, status=503, code="overloaded"):
    """The service is busy and refuses new work for a moment."""
