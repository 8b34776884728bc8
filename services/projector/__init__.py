"""Keeps the read models up with the ledger."""
