"""Return to voice with the kept place: when chat misses its promise, somebody calls."""
