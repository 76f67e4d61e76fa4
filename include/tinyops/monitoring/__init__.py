"""Frames from S3 to verdicts, reports and requests for labels."""
