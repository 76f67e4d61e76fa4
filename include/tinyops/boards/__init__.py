"""Boards: the catalogue, images, the link, transports, flash drivers and virtual boards."""
