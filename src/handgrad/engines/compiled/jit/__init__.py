"""Compilation of kernels to machine code, and the cache of object code."""
