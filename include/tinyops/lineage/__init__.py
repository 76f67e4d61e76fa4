"""What came from what, and what may go: lineage, retention, and forgetting a machine."""
