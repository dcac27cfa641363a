"""The conversation and who holds it: bot, queue or operator. Has never heard of calls."""
