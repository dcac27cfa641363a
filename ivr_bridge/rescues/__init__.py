"""What a stranded caller may get instead of a call back: an SMS with a way into the chat."""
