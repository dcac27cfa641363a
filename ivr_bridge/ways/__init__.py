"""The channels of a line: which comes first for whom, and which may follow when the first one failed."""

from ivr_bridge.ways.terms import ChannelTerm

__all__ = ["ChannelTerm"]
