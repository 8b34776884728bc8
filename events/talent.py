"""Placeholder until the context is written."""

from events.history import Aggregate

AGGREGATES: tuple[Aggregate, ...] = ()
