"""What can go wrong on one machine, said so that the reader knows what to do."""


class EmbeddedError(Exception):
    """The embedded databases cannot run here; the message says what would help."""


class InUseError(EmbeddedError):
    """Another living process keeps databases in this folder."""
