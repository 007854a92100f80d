"""scikit-learn's `MLPClassifier`, for chains of dense layers with ReLU between them."""

from __future__ import annotations

import numpy as np
from sklearn.neural_network import MLPClassifier

from benchmarks.tasks import Array, Workload
from handgrad.layers import Dense, Flatten, Normalize, ReLU
from handgrad.optim import SGD


class ScikitLearn:
    """Calls `partial_fit` once per epoch; a special random state determines the image order."""

    def __init__(self, work: Workload) -> None:
        net, task = work.net, work.task
        dense = [i for i, layer in enumerate(net.layers) if isinstance(layer, Dense)]
        plain = all(isinstance(layer, Normalize | Flatten | Dense | ReLU) for layer in net.layers)
        if not plain or not isinstance(task.optimizer, SGD):
            raise NotImplementedError(
                "scikit-learn supports only dense layers with ReLU that are trained with SGD"
            )
        if task.images != len(work.labels):
            raise NotImplementedError("scikit-learn can only train on the whole data set")
        self.X = work.inputs.reshape(len(work.inputs), -1)
        self.y = work.labels
        self.order = GivenOrder()
        self.model = MLPClassifier(
            [net.params[str(i)]["bias"].size for i in dense[:-1]],
            solver="sgd",
            momentum=0.0,
            alpha=0.0,
            learning_rate_init=task.optimizer.lr,
            batch_size=task.batch,
            random_state=self.order,
        )
        self._start_from([net.params[str(i)] for i in dense])

    def _start_from(self, trees: list[dict[str, Array]]) -> None:
        """Let scikit-learn create its arrays, then fill them with handgrad's initial weights."""
        classes = np.unique(self.y)
        some = slice(self.model.batch_size)
        self.model.partial_fit(self.X[some], self.y[some], classes=classes)
        for tree, coef, intercept in zip(
            trees, self.model.coefs_, self.model.intercepts_, strict=True
        ):
            coef[...] = tree["weight"].T
            intercept[...] = tree["bias"]

    def epoch(self, order: Array) -> float:
        """Make one update per batch of `order`, and return the mean loss before the updates."""
        self.order.next = order
        self.model.partial_fit(self.X, self.y)
        return float(self.model.loss_)


class GivenOrder(np.random.RandomState):
    """A random state whose `shuffle` always produces a given order."""

    next: Array | None = None

    def shuffle(self, x: Array) -> None:
        """Replace `x`, which contains the integers 0 to N - 1, by the given order."""
        if self.next is not None:
            x[:] = self.next
