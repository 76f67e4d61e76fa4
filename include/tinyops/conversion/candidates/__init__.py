"""Candidates: written by training, proven and turned into releases."""
