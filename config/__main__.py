"""`python -m config` is the same as the console script `ivr-bridge`."""

from config.cli import main

main()
