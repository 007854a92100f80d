"""Small images, and a notebook that trains on them quickly, for the tests in this folder."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from handgrad.data import Dataset, load_data
from handgrad.layers import Dense, Flatten, ReLU
from handgrad.optim import SGD
from handgrad.reproduce.benchmark import SpeedBenchmark
from handgrad.reproduce.experiment import RunContext, RunResult, Training
from handgrad.reproduce.notebook import Erratum, Experiment, HyperparameterTrial, Notebook
from handgrad.reproduce.store import Job
from handgrad.train import TrainConfig

LAYERS = (Flatten(), Dense(8), ReLU(), Dense())
QUICK = TrainConfig(epochs=2, batch_size=32, optimizer=SGD(0.1), patience=None)


def digits() -> tuple[Dataset, Dataset]:
    """Return some images of handwritten digits."""
    train, test = load_data("digits")
    return train.take(np.arange(400)), test.take(np.arange(100))


def wide() -> tuple[Dataset, Dataset]:
    """Return random images of MNIST's size, each with a bright bar that encodes the class."""
    rng = np.random.default_rng(0)
    labels = np.arange(300) % 10
    images = rng.integers(0, 60, (300, 1, 28, 28), dtype=np.uint8)
    for k, label in enumerate(labels):
        images[k, 0, 2 * label : 2 * label + 3] = 250
    data = Dataset.from_arrays(images, labels, name="bars")
    return data.take(np.arange(250)), data.take(np.arange(250, 300))


def context(seed: int = 0, engine: str = "reference") -> RunContext:
    """Return the context of a run with `digits`."""
    return RunContext(*digits(), seed, engine)


def alone(engine: str = "auto") -> Notebook:
    """Return a notebook with the best variant only."""
    best = Training(LAYERS, replace(QUICK, engine=engine))
    return Notebook(
        name="alone",
        title="Without a publication",
        data="digits",
        about="Digits again.",
        experiments=(Experiment("handgrad", {"best": best}),),
        benchmark=SpeedBenchmark(LAYERS, SGD(0.1), 32, 64, 1_000, rounds=1),
        errata=(),
        trials=(
            HyperparameterTrial("slowly", 0.9, 2),
            HyperparameterTrial("quickly", 0.915, 1, chosen=True),
        ),
        validated_on="the last 50",
    )


def notebook(engine: str = "auto") -> Notebook:
    """Return a notebook of digits; its published variant learns too slowly."""
    corrected = Training(LAYERS, replace(QUICK, engine=engine), validation=50)
    published = replace(corrected, config=replace(corrected.config, optimizer=SGD(0.001)))
    only = Experiment(
        "one hidden layer",
        {"published": published, "corrected": corrected, "best": corrected},
        {"test accuracy": 0.99},
        {"test accuracy": "It is too slow."},
        {("corrected", "test accuracy"): (0.0, 1.0)},
    )
    slow = Erratum("Too slow.", "It does not converge.", "test accuracy", published, corrected)
    return Notebook(
        name="small",
        title="A small one",
        data="digits",
        about="Digits.",
        experiments=(only,),
        benchmark=SpeedBenchmark(LAYERS, SGD(0.1), 32, 64, 10_000_000, rounds=1),
        errata=(slow, replace(slow, metric="test loss", percent=False, misread=lambda x: 2 * x)),
        seconds=70.0,
        examples=("1 + 1 = 2",),
    )


class Listener:
    """A progress listener that records its calls.

    Args:
        stop_after: raise KeyboardInterrupt after so many jobs.

    Attributes:
        finished: the description of each finished job, whether it has a result, and the reason.
        shares: the progress.
    """

    def __init__(self, stop_after: int = 1000) -> None:
        self.finished: list[tuple[str, bool, str]] = []
        self.shares: list[float] = []
        self._stop_after = stop_after

    def start(self, job: Job) -> None:
        """Raise KeyboardInterrupt if enough jobs have finished."""
        if len(self.finished) == self._stop_after:
            raise KeyboardInterrupt

    def advance(self, done: float) -> None:
        """Record the progress."""
        self.shares.append(done)

    def finish(self, job: Job, result: RunResult | None, reason: str) -> None:
        """Record the end of a job."""
        self.finished.append((job.description, result is not None, reason))
