"""Catalogue, images, link, transports, flash drivers and virtual boards."""
