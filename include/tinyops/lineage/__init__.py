"""Traces from recordings to releases and devices, and back."""
