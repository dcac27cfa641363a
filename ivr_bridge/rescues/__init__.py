"""What a stranded caller gets: an SMS with a way into the chat, or a call back."""
