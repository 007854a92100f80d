"""Accuracy parity with PyTorch: both engines train the same networks with the same seeds.

    python -m conformance.accuracy_parity --write docs/proof.md

`handgrad compare-engines` shows that two engines take the same steps; this program shows that they
reach the same accuracy. With one seed both have the same initial weights, batches and dropout
masks, and differ only by rounding errors, which grow in training. So the difference of the mean
accuracies is compared with their standard deviation.
"""

from conformance.accuracy_parity.compare import TASKS, Comparison, Task, compare

__all__ = ["TASKS", "Comparison", "Task", "compare"]
