"""Constants for all kernels: the number of images per vector (lanes), and a padding."""

LANES = 16  # images side by side in a vector, so float32 vectors of 512 bits

# Bytes between the memory of two workers. The processor prefetches cache lines just ahead, and
# would otherwise take them from the other worker.
WORKER_PADDING = 1024

ARGUMENT_WORDS = 64 + WORKER_PADDING // 8  # 64-bit words for a kernel's arguments, per worker
