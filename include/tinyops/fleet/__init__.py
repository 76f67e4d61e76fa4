"""Reports of gateways in S3: their events and status, read by the cloud side."""
