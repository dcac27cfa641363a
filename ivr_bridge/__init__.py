"""Calls: may we offer a messenger, the race against the IVR's deadline, and what became of the caller."""
