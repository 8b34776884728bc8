"""A running node: its parts put together, and the loops that keep it going."""
