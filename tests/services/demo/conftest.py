"""The loaded demo for the tests of this folder."""

from tests.support.demo import loaded

__all__ = ["loaded"]
