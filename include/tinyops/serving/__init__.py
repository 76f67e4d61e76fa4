"""Serving: what a model takes when it is asked, on a board and on a host; prediction in batch."""
