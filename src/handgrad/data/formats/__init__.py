"""Readers for the file formats of images and labels."""
