"""Shared parts of the tests: makers of data, models, boards and fleets, and child processes."""
