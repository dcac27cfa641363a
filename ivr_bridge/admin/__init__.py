"""What administrators do with lines: look, change, and ask what would happen to a call."""
