"""Signed releases: keys, the TUF repository in S3, its client, rings, publication."""
