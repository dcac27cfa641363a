"""Why a call was decided as it was: read from the rows that the decision left."""

from ivr_bridge.explanation.documents import Explanation
from ivr_bridge.explanation.telling import Asker, CallUnknown, Explanations, SeveralCalls

__all__ = ["Asker", "CallUnknown", "Explanation", "Explanations", "SeveralCalls"]
