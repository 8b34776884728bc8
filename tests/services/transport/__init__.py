"""Tests of services/transport."""
