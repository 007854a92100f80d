"""The process of "Break it": ``python -m handgrad.web.training.comparison``.

It trains a small network twice with the reference engine, from the same weights on the same
batches: once right, and once with a mistake in the backward pass. Then it checks the gradients.

The command is {"do": "start", "mistake": NAME, "optimizer": "sgd" or "adam"}. The events are
"mistake", "point" (a part of one of the two curves), "outcome" and "check".
"""

from __future__ import annotations

from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from handgrad.data import Dataset, load_data
from handgrad.engines.reference import ReferenceEngine
from handgrad.errors import ConfigError, DivergenceError
from handgrad.gradient_check.api import gradcheck
from handgrad.network import Network
from handgrad.optim import SGD, Adam, Optimizer
from handgrad.random import generator
from handgrad.train import evaluate
from handgrad.train_config import TrainConfig
from handgrad.web.training.lines import Commands, Events, Json, run_process
from handgrad.web.training.mistakes import MISTAKES, Mistake

DATA, IMAGES, BATCH, STEPS = "digits", 500, 25, 200
POINT = 5  # steps
OPTIMIZERS: dict[str, Optimizer] = {"sgd": SGD(0.1), "adam": Adam(0.01)}
UNNOTICED = 0.03  # of the test accuracy: 1.5 standard errors of a difference on 359 images
LEARNT = 0.5  # test accuracy


def compare(first: Json, _: Commands, events: Events) -> None:
    """Train with and without a mistake, and check the gradients of the wrong layer."""
    name, optimizer = first["mistake"], first["optimizer"]
    if name not in MISTAKES or optimizer not in OPTIMIZERS:
        raise ConfigError(f"choose one of {', '.join(MISTAKES)} and of {', '.join(OPTIMIZERS)}")
    mistake = MISTAKES[name]
    events.send("phase", phase="training")
    train, test = load_data(DATA, progress=False)
    train = train.take(np.arange(IMAGES))
    with threadpool_limits(1):  # of such small products, threads cost more than they save
        right = train_one(mistake, False, OPTIMIZERS[optimizer], train, test, events)
        wrong = train_one(mistake, True, OPTIMIZERS[optimizer], train, test, events)
    events.send("outcome", right=right, wrong=wrong, verdict=verdict(right, wrong))
    events.send("phase", phase="checking")
    events.send("check", **checked(mistake))
    events.send("phase", phase="finished")


def train_one(
    mistake: Mistake,
    is_wrong: bool,
    optimizer: Optimizer,
    train: Dataset,
    test: Dataset,
    events: Events,
) -> dict[str, Any]:
    """Train one of the two networks; return its test accuracy, and where it diverged, or None.

    "interval" is the 95 % confidence interval of the accuracy.
    """
    layers, loss = mistake.network(is_wrong=is_wrong)
    net = Network(layers, train.shape, len(train.classes), seed=0)
    engine = ReferenceEngine(net, TrainConfig(optimizer=optimizer, loss=loss))
    rng, losses, diverged_at = generator(0, "shuffle"), [], None
    order = np.concatenate([rng.permutation(IMAGES) for _ in range(BATCH * STEPS // IMAGES)])
    with np.errstate(all="ignore"):  # a mistake may make anything overflow
        for step in range(STEPS):
            chosen = order[step * BATCH : (step + 1) * BATCH]
            try:
                found = engine.step(
                    *(train.images[chosen], train.labels[chosen], None, optimizer.lr)
                )
            except DivergenceError:
                diverged_at = step
                break
            losses.append(found[0])
            if len(losses) % POINT == 0:
                mean = float(np.mean(losses[-POINT:]))
                events.send("point", wrong=is_wrong, step=step + 1, loss=mean)
        scores = evaluate(net, test)
    return {
        "test_accuracy": scores.accuracy,
        "interval": list(scores.interval),
        "diverged_at": diverged_at,
    }


def verdict(right: Json, wrong: Json) -> str:
    """Say in one word how a network with a mistake did, compared with the right one.

    Returns:
        "diverged", "unnoticed" (as accurate as the right one), "worse" or "fails".
    """
    if wrong["diverged_at"] is not None:
        return "diverged"
    if wrong["test_accuracy"] >= right["test_accuracy"] - UNNOTICED:
        return "unnoticed"
    return "worse" if wrong["test_accuracy"] >= LEARNT else "fails"


def checked(mistake: Mistake) -> dict[str, Any]:
    """Return the gradient check of the wrong layer or loss as JSON data."""
    result = gradcheck(mistake.wrong, mistake.shape, batch_size=7, training=True)
    (report,) = result.reports
    tensors = dict.fromkeys(comparison.tensor for comparison in report.comparisons)
    worst = [report.worst(tensor) for tensor in tensors]
    return {
        "rows": [
            {
                "tensor": one.tensor,
                "oracle": one.oracle,
                "error": one.error,
                "bound": one.bound,
                "verdict": str(report.verdict_on(one.tensor)),
            }
            for one in worst
        ],
        "causes": [cause._asdict() for cause in report.causes],
        "summary": result.summary,
    }


if __name__ == "__main__":
    run_process(compare)
