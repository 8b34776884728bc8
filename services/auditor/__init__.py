"""Verifies, replays, compares and proves."""
