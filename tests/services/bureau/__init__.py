"""Tests of services/bureau."""
