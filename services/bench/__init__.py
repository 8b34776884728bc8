"""Measures this installation against its limits, in one run on one machine."""
