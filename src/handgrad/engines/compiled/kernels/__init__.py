"""The kernels, in one file per layer family, and their common helper functions.

Kernels are plain functions on pointers, marked with `@kernel`. `jit.compiler` compiles the kernels
that a network needs. These modules import Numba. They are not imported if all needed kernels are in
the object cache. To change how a layer's result is computed, edit its kernel here: for example,
`pool.max_backward` for the backward pass of max pooling.
"""
