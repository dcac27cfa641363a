"""What an engineer types after `ivr-bridge`; `config/cli.py` puts them together."""
