"""Checks against published test cases and other libraries; not part of the package."""
