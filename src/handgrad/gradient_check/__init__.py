"""The proof: gradients before witnesses who know them by another way."""
