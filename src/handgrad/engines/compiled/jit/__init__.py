"""Compiles kernels to machine code, and caches the object code."""
