"""Rewrites of a .tflite's graph that change its form and not what it computes; one file each."""
