"""The same accuracy in PyTorch: both engines train the same networks, seed for seed.

    python -m conformance.accuracy_parity --write docs/proof.md

The duel shows that two engines take the same steps; this, that they arrive at the same place. With
one seed both have the same initial weights, batches and dropout masks, and part only by rounding,
which grows on the way. So the accuracies are compared as drawn numbers are: by their spread.
"""

from conformance.accuracy_parity.compare import TASKS, Comparison, Task, compare

__all__ = ["TASKS", "Comparison", "Task", "compare"]
