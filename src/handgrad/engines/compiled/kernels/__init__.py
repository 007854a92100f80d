"""The kernels: one file a family, with the same names as the layers.

They are plain functions on pointers, compiled by `handgrad.engines.compiled.jit.compiler` for the
networks that need them. Nothing here is imported where the compiled kernels are at hand already.
"""
