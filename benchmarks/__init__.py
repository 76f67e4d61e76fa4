"""What `make bench` measures; each module is run as `python -m benchmarks.NAME`."""
