"""Signed releases: keys, TUF repository in S3, its client, rings, publication."""
