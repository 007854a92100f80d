"""Measures handgrad against other frameworks: ``python -m benchmarks --help``."""
