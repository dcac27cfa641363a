"""Channels and the people at their far end. Has never heard of calls or operators."""
