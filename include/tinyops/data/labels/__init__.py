"""Annotations: label sets, their CSV files, and requests for labels."""
