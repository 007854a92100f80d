"""Accuracy parity with PyTorch: two engines train the same networks with the same seeds.

    python -m conformance.accuracy_parity --write docs/proof.md

`handgrad compare-engines` shows that two engines do the same steps; this program shows that they
reach the same accuracy. Given the same seed, both have the same initial weights, batches and
dropout masks. The engines differ only by rounding errors, which grow during training. Therefore the
difference between the mean accuracies is compared with their standard deviation.
"""

from conformance.accuracy_parity.compare import TASKS, Comparison, Task, compare

__all__ = ["TASKS", "Comparison", "Task", "compare"]
