"""Tests of deploy/setup."""
