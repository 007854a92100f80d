"""scikit-learn: `MLPClassifier`, for plain chains of linear layers with ReLU between."""

from __future__ import annotations

import numpy as np
from sklearn.neural_network import MLPClassifier

from benchmarks.tasks import Array, Workload
from handgrad.layers import Dense, Flatten, Normalize, ReLU
from handgrad.optim import SGD


class ScikitLearn:
    """One `partial_fit` per epoch; a fake random state makes scikit-learn use our order."""

    def __init__(self, work: Workload) -> None:
        net, task = work.net, work.task
        dense = [i for i, layer in enumerate(net.layers) if isinstance(layer, Dense)]
        plain = all(isinstance(layer, Normalize | Flatten | Dense | ReLU) for layer in net.layers)
        if not plain or not isinstance(task.optimizer, SGD):
            raise NotImplementedError("only linear layers with ReLU, trained by SGD")
        if task.images != len(work.labels):
            raise NotImplementedError("only whole data sets")
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
        """Let scikit-learn create its arrays, then set them to ours."""
        classes = np.unique(self.y)
        some = slice(self.model.batch_size)
        self.model.partial_fit(self.X[some], self.y[some], classes=classes)
        for tree, coef, intercept in zip(
            trees, self.model.coefs_, self.model.intercepts_, strict=True
        ):
            coef[...] = tree["weight"].T
            intercept[...] = tree["bias"]

    def epoch(self, order: Array) -> float:
        """Make one update for each batch of `order`; return the mean loss before the updates."""
        self.order.next = order
        self.model.partial_fit(self.X, self.y)
        return float(self.model.loss_)


class GivenOrder(np.random.RandomState):
    """A random state whose shuffle gives a fixed order."""

    next: Array | None = None

    def shuffle(self, x: Array) -> None:
        """Reorder `x`, the whole numbers from 0, to the fixed order."""
        if self.next is not None:
            x[:] = self.next
