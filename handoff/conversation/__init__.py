"""The conversation: its lifecycle, what begins it, what customers and operators do to it."""
