"""The quality gate: measure each recording, compare it with the others, decide."""
