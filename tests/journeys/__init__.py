"""Acceptance journeys, worked through on both sides."""
