"""How many images stand side by side in a vector, and how far apart two workers write."""

LANES = 16

APART = 1024  # bytes between what two workers write: machines fetch what lies just ahead, unasked

ROOM = 64 + APART // 8  # words for the arguments of a worker's stage, and up to the next worker's
