"""Benchmarks of a model on a board and on a host; prediction in batch."""
