"""How many pictures stand side by side in a vector."""

LANES = 16

APART = 1024  # bytes between what two workers write: machines fetch what lies just ahead, unasked
