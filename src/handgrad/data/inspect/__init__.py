"""Checks of images: what is wrong with a folder, and which images are nearly the same."""
