"""Exports a model as C99 source: one header without allocation, with all of the preprocessing."""

from handgrad.export.c.header import to_c, write_c

__all__ = ["to_c", "write_c"]
