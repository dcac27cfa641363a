"""The messenger networks, one folder each; a newcomer copies a neighbour."""
