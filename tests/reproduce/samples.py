"""What the tests of this room share: small images, and a notebook of them that runs at once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from handgrad.data import Dataset, load_data
from handgrad.layers import Dense, Flatten, ReLU
from handgrad.optim import SGD
from handgrad.reproduce.benchmark import Race
from handgrad.reproduce.experiment import Fit, Outcome, Setting
from handgrad.reproduce.notebook import Erratum, Experiment, Notebook, Trial
from handgrad.train import TrainConfig

LAYERS = (Flatten(), Dense(8), ReLU(), Dense())
QUICK = TrainConfig(epochs=2, batch_size=32, optimizer=SGD(0.1), patience=None)


def digits() -> tuple[Dataset, Dataset]:
    """Return some of the digits that come with scikit-learn."""
    train, test = load_data("digits")
    return train.take(np.arange(400)), test.take(np.arange(100))


def wide() -> tuple[Dataset, Dataset]:
    """Return images of MNIST's size, drawn at random with a bright bar that tells the class."""
    rng = np.random.default_rng(0)
    labels = np.arange(300) % 10
    images = rng.integers(0, 60, (300, 1, 28, 28), dtype=np.uint8)
    for k, label in enumerate(labels):
        images[k, 0, 2 * label : 2 * label + 3] = 250
    data = Dataset.from_arrays(images, labels, name="bars")
    return data.take(np.arange(250)), data.take(np.arange(250, 300))


def setting(seed: int = 0, engine: str = "reference") -> Setting:
    """Return what a part is run with."""
    return Setting(*digits(), seed, engine)


def alone(engine: str = "auto") -> Notebook:
    """Return a network of ours that nothing was published of."""
    best = Fit(LAYERS, replace(QUICK, engine=engine))
    return Notebook(
        name="alone",
        title="One of ours",
        data="digits",
        about="Digits again.",
        experiments=(Experiment("ours", {"best": best}),),
        race=Race(LAYERS, SGD(0.1), 32, 64, 1_000, rounds=1),
        errata=(),
        trials=(Trial("slowly", 0.9, 2), Trial("quickly", 0.915, 1, taken=True)),
        judged="the last 50",
    )


def notebook(engine: str = "auto") -> Notebook:
    """Return a notebook of digits; its published part learns too slowly."""
    corrected = Fit(LAYERS, replace(QUICK, engine=engine), validation=50)
    published = replace(corrected, recipe=replace(corrected.recipe, optimizer=SGD(0.001)))
    only = Experiment(
        "one hidden layer",
        {"published": published, "corrected": corrected, "best": corrected},
        {"test accuracy": 0.99},
        {"test accuracy": "It is too slow."},
        {("corrected", "test accuracy"): (0.0, 1.0)},
    )
    slow = Erratum("Too slow.", "It never arrives.", "test accuracy", published, corrected)
    return Notebook(
        name="small",
        title="A small one",
        data="digits",
        about="Digits.",
        experiments=(only,),
        race=Race(LAYERS, SGD(0.1), 32, 64, 10_000_000, rounds=1),
        errata=(slow, replace(slow, figure="test loss", percent=False, misread=lambda x: 2 * x)),
        seconds=70.0,
        worked=("1 + 1 = 2",),
    )


class Listener:
    """Notes what it is told.

    Attributes:
        ended: the pieces that ended, whether there is an outcome, and why not.
        shares: how far they were.
    """

    def __init__(self, stop_after: int = 1000) -> None:
        self.ended: list[tuple[str, bool, str]] = []
        self.shares: list[float] = []
        self._stop_after = stop_after

    def begin(self, piece: object) -> None:
        """Interrupt the work where it was asked for."""
        if len(self.ended) == self._stop_after:
            raise KeyboardInterrupt

    def share(self, done: float) -> None:
        """Note it."""
        self.shares.append(done)

    def end(self, piece: object, outcome: Outcome | None, why: str) -> None:
        """Note it."""
        self.ended.append((piece.what, outcome is not None, why))  # type: ignore[attr-defined]
