"""Tests of deploy/evidence."""
