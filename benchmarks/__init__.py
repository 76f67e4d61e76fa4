"""Measurements of `make bench`; each module is run as `python -m benchmarks.NAME`."""
