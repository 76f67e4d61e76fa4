"""Counts of a device, their wire format, and the reference they are compared with."""
