"""Monitoring of devices in use: frames of counts, statistics, verdicts."""
