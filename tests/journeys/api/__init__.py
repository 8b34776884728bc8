"""Journeys 1 to 3 over HTTP, on both sides."""
