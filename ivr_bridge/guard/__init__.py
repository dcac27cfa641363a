"""What keeps a line from being misused, whoever holds its key (docs/security.md)."""

from ivr_bridge.guard.limits import NO_LIMITS, Limits
from ivr_bridge.guard.terms import BudgetTerms, VelocityTerms, WatchTerms, WorkspaceBudget

__all__ = [
    "NO_LIMITS",
    "BudgetTerms",
    "Limits",
    "VelocityTerms",
    "WatchTerms",
    "WorkspaceBudget",
]
