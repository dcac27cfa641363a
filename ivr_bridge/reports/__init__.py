"""What joins calls with chats: the share that moved, where callers dropped out, and the rows behind it."""
