"""The edge service: pull signed releases, flash, attest, report."""
