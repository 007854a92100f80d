"""How many pictures stand side by side in a vector."""

LANES = 16
