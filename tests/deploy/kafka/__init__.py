"""Tests of deploy/kafka."""
