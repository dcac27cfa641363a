"""Signed webhooks to a company's own systems: told in a transaction, delivered at least once.

Whoever has news says `tell(tx, type, data)`; the delivery is a row of that transaction. The wire is
the Standard Webhooks convention; docs/api/webhooks.md is the promise to receivers.
"""

from core.outgoing.endpoints import EndpointDraft, EndpointUnknown, put_endpoints, resume
from core.outgoing.telling import ALERT, tell

__all__ = [
    "ALERT",
    "EndpointDraft",
    "EndpointUnknown",
    "put_endpoints",
    "resume",
    "tell",
]
