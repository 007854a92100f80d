"""Data sets that are known by name: where their files are, and how they are checked."""
