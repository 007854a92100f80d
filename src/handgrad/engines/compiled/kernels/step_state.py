"""The step state, which describes the current step. Each worker has its own copy.

Each worker updates its own copy, so no worker has to wait for another worker. A copy has 16 words.
The first eight words are int64, and the last eight words are float64. The constants in this module
are the indices of the words.
"""

from handgrad.engines.compiled.kernels.lanes import WORKER_PADDING

WORDS = 16 + WORKER_PADDING // 8  # from one worker's state to the next

STEP = 0  # the index of the step within this run
COUNT = 1  # N, the number of images in this batch
CHUNKS = 2  # ⌈N/16⌉
START = 3  # the index in the order at which the batch begins
TOTAL = 4  # the number of updates before this step
STOP = 5  # not 0: a number is not finite
NEXT = 6  # the index in the order at which the next batch begins
END = 7  # the index at which the order ends

LR = 8  # η
WEIGHT = 9  # Σ wₙ
CLIP = 10  # the factor that clips the gradients
CORRECTION_1 = 11  # 1 − β₁ᵗ
CORRECTION_2 = 12  # 1 − β₂ᵗ
