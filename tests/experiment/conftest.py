"""Fixtures of the tests of experiments."""

from walks import experiment_folder

__all__ = ["experiment_folder"]
