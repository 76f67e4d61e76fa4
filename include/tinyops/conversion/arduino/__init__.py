"""Arduino libraries: the image of a real board as a library that its core builds."""
