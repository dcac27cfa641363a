"""What a manager asks: how many callers moved to chat, where the others went, and which rows say so."""
