"""Kernels, one file per layer family, and the helpers that they share.

Kernels are plain functions on pointers, marked with `@kernel`. `jit.compiler` compiles those that a
network needs. These modules import Numba, so nothing here is imported while all needed kernels
are in the object cache. To change how a layer's result is computed, edit its kernel here: for
example, `pool.max_backward` for the backward pass of max pooling.
"""
