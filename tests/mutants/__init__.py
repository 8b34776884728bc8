"""Mutation testing: code that is broken on purpose must fail its tests."""
