"""Tests of services/commands."""
