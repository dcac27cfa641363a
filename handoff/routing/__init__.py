"""Who gets which conversation: queues, presence, reservations and placing."""
