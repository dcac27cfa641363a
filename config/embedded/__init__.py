"""PostgreSQL and Valkey for one machine: demos and tests, on Unix sockets, from wheels.

`start` keeps its data from run to run. `throwaway` is quick, forgets everything, and clears away
what a killed run has left. Neither is meant for production: there, set DATABASE_URL and REDIS_URL.
"""

from config.embedded.errors import EmbeddedError, InUseError
from config.embedded.pair import Embedded, erase, start, throwaway

__all__ = ["Embedded", "EmbeddedError", "InUseError", "erase", "start", "throwaway"]
