"""Inspect images for problems: unreadable files, imbalanced classes, duplicates."""
