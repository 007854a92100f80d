"""The clock: what every worker knows about the step it is in.

Each worker has one of its own, so that none has to wait for another to set it. Of its 16 words,
counts lie in the first half as whole numbers, and the rest in the second half as float64.
"""

from handgrad.engines.compiled.kernels.lanes import WORKER_PADDING

WORDS = 16 + WORKER_PADDING // 8  # from one clock to the next

STEP = 0  # the step within this run
COUNT = 1  # N, the images in this batch
CHUNKS = 2  # ⌈N/16⌉
START = 3  # where the batch begins in the order
TOTAL = 4  # updates made before this step
STOP = 5  # not 0: a number is not finite
NEXT = 6  # where the next batch begins in the order
END = 7  # where the order ends

LR = 8  # η
WEIGHT = 9  # Σ wₙ
CLIP = 10  # what the gradients are multiplied with
CORRECTION_1 = 11  # 1 − β₁ᵗ
CORRECTION_2 = 12  # 1 − β₂ᵗ
