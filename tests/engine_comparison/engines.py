"""Engines for the comparison tests, some of which compute wrong results after some step."""

import numpy as np

import handgrad as hg
from handgrad.engines import ReferenceEngine

train, test = hg.load_data("digits")
FEW = train.take(np.arange(300))

LAYERS = [
    *(hg.Normalize(), hg.Conv2d(4, 3, padding=1), hg.BatchNorm(), hg.ReLU(), hg.MaxPool2d(2)),
    *(hg.Dropout2d(0.2), hg.Residual((hg.Conv2d(4, 3, padding=1), hg.Tanh())), hg.Flatten()),
    *(hg.Dense(12), hg.SiLU(), hg.Dropout(0.3), hg.Dense()),
]


def network(dtype="float64", layers=LAYERS):
    return hg.Network(layers, train.shape, len(train.classes), dtype=dtype)


def faulty(index, factor=1.01, start=50, only=None):
    """Return a function that creates a reference engine with a wrong backward in one layer."""

    def make(net, rules):
        engine = ReferenceEngine(net, rules)
        kind = type(net.layers[index])

        def mutated(found):
            if engine.steps < start:
                return found
            return {n: g * factor if only in (None, n) else g for n, g in found.items()}

        class Faulty(kind):
            def backward(self, params, cache, dY):
                dX, found = super().backward(params, cache, dY)
                if not hasattr(kind, "gradients"):  # where it is, it has been asked already
                    found = mutated(found)
                return dX if engine.steps < start or only else dX * factor, found

        if hasattr(kind, "gradients"):
            Faulty.gradients = lambda self, *given: mutated(kind.gradients(self, *given))
        Faulty.__name__ = kind.__name__
        layers = list(net.layers)
        layers[index] = Faulty(**vars(layers[index]))
        net.layers = tuple(layers)
        return engine

    return make


class Opaque:
    """An engine that exposes no intermediate results and has a wrong result in one step."""

    def __init__(self, net, rules, start):
        self._engine, self._start = ReferenceEngine(net, rules), start
        self.optimizer_state = self._engine.optimizer_state

    @property
    def steps(self):
        return self._engine.steps

    @steps.setter
    def steps(self, steps):
        self._engine.steps = steps

    def step(self, X, y, weights, lr):
        return self._engine.step(X, y, weights, lr * (1.5 if self.steps == self._start else 1))

    def run(self, batches):
        return self._engine.run(batches)

    def logits(self, X):
        return self._engine.logits(X)
