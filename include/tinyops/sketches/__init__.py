"""Sketches: the device's counts, their wire format, and the reference they are compared with."""
