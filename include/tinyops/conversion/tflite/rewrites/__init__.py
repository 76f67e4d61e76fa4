"""Rewrites of a .tflite's graph that change its form and not what it computes; one file each.

Each returns notes on what callers of the model have to know, one line for each operator.
"""
