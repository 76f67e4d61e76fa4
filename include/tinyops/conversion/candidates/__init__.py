"""Candidates: written by training, read, proven and turned into bundles by release."""
