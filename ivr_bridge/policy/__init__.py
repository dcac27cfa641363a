"""A line's rules: pure, in order, each leaving a trace of what it saw."""

from ivr_bridge.policy.circumstances import Agreement, Circumstances, agreement
from ivr_bridge.policy.draw import draw, period_of
from ivr_bridge.policy.rules import HARD, SOFT
from ivr_bridge.policy.ruling import Look, Rule, Ruling, Saw, rule
from ivr_bridge.policy.terms import Drawn, PolicyTerms

__all__ = [
    "HARD",
    "SOFT",
    "Agreement",
    "Circumstances",
    "Drawn",
    "Look",
    "PolicyTerms",
    "Rule",
    "Ruling",
    "Saw",
    "agreement",
    "draw",
    "period_of",
    "rule",
]
