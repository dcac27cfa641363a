"""The bot: flows in YAML, a pure engine that plays them, checks before publishing, and trials.

`turns.take_turn` is the one door for a conversation: a flow, what was saved and what the customer
did go in; what to say, what to save and who holds the conversation next come out.
"""
