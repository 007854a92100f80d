"""Checks against cases and implementations of others; not part of the package."""
