"""Edge service: pull signed releases, flash, attest, collect frames, report."""
