"""Tests of services/gateway."""
