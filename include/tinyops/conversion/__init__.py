"""Rooms of models: canonical form, images, Arduino libraries, candidates."""
