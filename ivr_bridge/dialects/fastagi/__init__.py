"""FastAGI: Asterisk connects, says which call it holds, and is told by channel variables."""
