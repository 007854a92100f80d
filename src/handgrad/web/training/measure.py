"""What the page shows of a network while it is trained, and how often it is measured."""

from __future__ import annotations

import time
from collections import deque
from types import TracebackType
from typing import Any

import numpy as np

from handgrad.data import Dataset
from handgrad.errors import ModelError
from handgrad.features import first_weights
from handgrad.layers import Array, Context, ReLU
from handgrad.losses import softmax
from handgrad.network import Network
from handgrad.runs import TrainRun
from handgrad.train.evaluate import scaled_for
from handgrad.train.run import TrainingRun
from handgrad.web.endpoint import packed

SIXTEEN = 16  # test images, and first-layer weights
PROBE_IMAGES = 128  # a unit that is active for 1 of 30 images is missed with a chance of 1 %
SHARE = 0.005  # of the time of training, for each of two kinds of measurement
MANY_POINTS = 1000
RECENT = 20  # batches


class Rarely:
    """Decides when to measure again: after some seconds, and so that it costs little time.

    Used as a context manager around the measurement, whose duration it notes.

    Args:
        least: the shortest time between two measurements, in seconds.
    """

    def __init__(self, least: float) -> None:
        self._least, self._start, self._count = least, time.monotonic(), 0
        self._next = self._start

    @property
    def is_due(self) -> bool:
        """Whether to measure now."""
        return time.monotonic() >= self._next

    def __enter__(self) -> None:
        self._began = time.monotonic()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        now = time.monotonic()
        self._count += 1
        # The longer the training, the rarer: there are never many more than `MANY_POINTS`.
        spread = (now - self._start) / MANY_POINTS
        self._next = now + max(self._least, (now - self._began) / SHARE, spread)


class Losses:
    """The losses and the correct predictions of the steps since the last point of the curve."""

    def __init__(self) -> None:
        self._recent: deque[float] = deque(maxlen=RECENT)
        self._first: list[float] = []
        self._steps = self._seen = 0
        self._forget()

    def begin(self, run: TrainingRun) -> None:
        """Begin with a run, which may have been resumed within an epoch."""
        self._from_start = run.engine.steps == 0
        self._steps, self._seen = run.engine.steps, len(run.epoch_results.losses)

    def add(self, run: TrainingRun, seconds: float) -> None:
        """Add the steps that were done since the last call, in some seconds."""
        losses, correct = run.epoch_results
        batch, last = run.config.batch_size, len(losses)
        self._seen = min(self._seen, last)  # after a rollback there are fewer than before
        new = losses[self._seen :]
        self._loss += float(new.sum())
        self._count += len(new)
        self._correct += int(correct[self._seen :].sum())
        self._images += min(last * batch, len(run.train)) - min(self._seen * batch, len(run.train))
        self._seconds += seconds
        self._seen, self._steps = last, run.engine.steps
        self._recent.extend(new.tolist())
        self._first += new.tolist()[: RECENT - len(self._first)]

    @property
    def is_empty(self) -> bool:
        """Whether there were no steps since the last point."""
        return self._count == 0

    def next_epoch(self) -> None:
        """Take note that an epoch has ended."""
        self._seen = 0

    def point(self, run: TrainingRun) -> dict[str, float]:
        """Return the means over the steps since the last point, and forget these steps."""
        count, images = max(self._count, 1), max(self._images, 1)
        found = {
            "step": run.engine.steps,
            "loss": self._loss / count,
            "accuracy": self._correct / images,
            "lr": run.lr,
            "images_per_second": self._images / max(self._seconds, 1e-9),
        }
        self._forget()
        return found

    def facts(self) -> dict[str, Any]:
        """Return the number of steps, the first loss, and means of the first and last losses."""
        begin = self._first if self._from_start else []
        first = begin if len(begin) == RECENT else []
        recent = self._recent if len(self._recent) == RECENT else []
        return {
            "steps": self._steps,
            "initial_loss": begin[0] if begin else None,
            "first_loss": float(np.mean(first)) if first else None,
            "recent_loss": float(np.mean(recent)) if recent else None,
        }

    def _forget(self) -> None:
        self._loss = self._seconds = 0.0
        self._count = self._correct = self._images = 0


def sixteen(run: TrainRun) -> tuple[Dataset, dict[str, Any]]:
    """Return the first test images as the network takes them, and an event that shows them."""
    test = scaled_for(run.classifier, run.test.take(range(min(SIXTEEN, len(run.test)))))
    return test, {"images": packed(test.images), "labels": test.labels.tolist()}


def weights_and_predictions(net: Network, test: Dataset) -> dict[str, Any]:
    """Return the first-layer weights (O, C, H, W) and the probabilities (n, K) as JSON data.

    NumPy computes them, because so few images are not worth compiling. The probabilities are those
    before any calibration.
    """
    try:
        index, weights = first_weights(net)
        images = {"layer": index, "units": len(weights), "weights": packed(weights[:SIXTEEN])}
    except ModelError:
        images = {"layer": None, "units": 0, "weights": None}
    return images | {"probabilities": packed(softmax(net.logits(test.images)))}


def probe(run: TrainingRun) -> dict[str, Any]:
    """Measure a forward and a backward pass on some training images, without an update.

    Returns:
        dead: the share of ReLU units that are zero for all images, or None without ReLU.
        gradient_ratio: the RMS of the first layer's weight gradient relative to that of the last
            layer's, each divided by the RMS of its weights; or None with fewer than two layers.
    """
    net, images = run.net, run.train.images[:PROBE_IMAGES]
    ctx = Context(training=True, seed=run.config.seed, step=run.engine.steps)
    cache, active = [], []
    with np.errstate(all="ignore"):
        for step in net.walk(images, ctx, inner=True):
            if "." not in step.path:
                cache.append(step.cache)
                logits = step.Y
            if isinstance(step.layer, ReLU):
                axes = (0, *range(2, step.Y.ndim))
                active.append((step.Y > 0).any(axis=axes))
        _, dlogits = run.config.loss(logits, run.train.labels[:PROBE_IMAGES])
        gradients = net.backward(cache, dlogits)
    return {
        "dead": float(1 - np.concatenate(active).mean()) if active else None,
        "gradient_ratio": _ratio(net, gradients),
    }


def _ratio(net: Network, gradients: dict[str, Array]) -> float | None:
    """Return the relative size of the first weights' gradient, divided by that of the last."""
    names = [name for name, weight in net.parameters.items() if weight.ndim > 1]
    if len(names) < 2:
        return None
    sizes = []
    for name in (names[0], names[-1]):
        weight = max(float(np.sqrt(np.mean(np.square(net.parameters[name])))), 1e-12)
        sizes.append(float(np.sqrt(np.mean(np.square(gradients[name])))) / weight)
    return sizes[0] / sizes[1] if sizes[1] > 0 else None
