"""Tests of services/node."""
