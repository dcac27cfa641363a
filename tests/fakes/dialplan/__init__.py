"""As much of Asterisk's dialplan as the recipes use: real requests, a pretended caller and queue."""
