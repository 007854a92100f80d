"""Compares handgrad with other frameworks; see ``python -m benchmarks --help``."""
