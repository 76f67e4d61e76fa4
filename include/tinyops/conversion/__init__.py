"""Conversion: int8 models, canonical form, per-board fit, compiled images and their proof."""
