"""Tests of services/auditor."""
