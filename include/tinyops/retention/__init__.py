"""Retention periods and erasure of a machine's data."""
