"""Arduino libraries: the image of a real board as its core builds it."""
