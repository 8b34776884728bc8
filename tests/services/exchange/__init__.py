"""Tests of services/exchange."""
