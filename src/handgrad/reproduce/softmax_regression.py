"""`softmax-regression`: one linear layer, by hand and then in PyTorch.

By hand, all 50,000 images make one step, their raw values 0..255 are multiplied with weights
from N(0, 1), and gradients are summed over the images, not averaged.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from handgrad.init import Normal, Uniform
from handgrad.layers import Array, Dense, Flatten, Normalize
from handgrad.losses import SoftmaxCrossEntropy, softmax
from handgrad.models import softmax_regression
from handgrad.optim import SGD, AdamW
from handgrad.random import generator
from handgrad.reproduce.benchmark import Race
from handgrad.reproduce.experiment import TWIN, Fit, Outcome, Said, Setting, Steps, first, note
from handgrad.reproduce.notebook import JUDGES, Erratum, Experiment, Notebook, Trial
from handgrad.schedules import OneCycle
from handgrad.train import TrainConfig

BYTES = Normalize(0.0, 1 / 255)  # the raw values: it undoes the scaling to 0..1
LAYERS = (BYTES, Flatten(), Dense(initializer=Normal(1.0)))
AT_A_GLANCE = 5  # steps between two looks at loss and accuracy
BLOCK = 20


@dataclass(frozen=True)
class FullBatch:
    """Gradient descent on all images at once.

    One ran a block of steps, looked, and ran another one while it still got better: the weights
    are kept at the look with the lowest training loss.

    Attributes:
        blocks: how many blocks of 20 steps.
        images: how many images there are, the first ones; None: all.
        validation: how many of them to set aside.
        first_rate: the learning rate of the first step, of a gradient summed over images.
        lr: that of all others, weights and biases alike; the notebook's biases had a tenth.
        engine: what trains, if not what is asked for.
        label_minus_one: the error: a label's one-hot row has its one at the place before, so that
            a 0 becomes class 9, and every prediction must be shifted back.
        sign: -1 the error: the derivative's sign is wrong, and the update is not.
    """

    blocks: int = 30
    images: int | None = None
    validation: int = 10_000
    first_rate: float = 1e-3
    lr: float = 1e-4
    engine: str = ""
    label_minus_one: bool = False
    sign: int = 1

    def run(self, setting: Setting) -> Outcome:
        """Train."""
        setting = replace(first(setting, self.images), engine=self.engine or setting.engine)
        train, validation = setting.split(self.validation)
        net = setting.network(LAYERS)
        net.parameters["2.bias"] = generator(setting.seed, "init", 1).normal(size=10)
        steps = Steps(setting, net, TrainConfig(SoftmaxCrossEntropy(), SGD(self.lr)))
        shift = int(self.label_minus_one)
        shifted = (train.labels - shift) % 10
        everything = np.arange(len(train))
        summed = self.sign * float(len(train))  # the engine's gradient is a mean

        curves: dict[str, list[float]] = {}
        figures: dict[str, float] = {}
        for look in range(self.blocks * BLOCK // AT_A_GLANCE + 1):
            for _ in range(AT_A_GLANCE if look else 1):
                lr = self.lr if look else self.first_rate
                steps.run(train, everything, len(train), summed * lr, shifted)
            found: dict[str, float] = {}
            for name, data in (("training", train), ("validation", validation)):
                Z = np.roll(steps.logits(data.images), shift, axis=1)  # shifted back
                found[f"{name} loss"] = clipped_loss(Z, data.labels)
                found[f"{name} accuracy"] = float(np.mean(Z.argmax(axis=1) == data.labels))
                as_they_come = Z.argmax(axis=1) - shift
                found[f"{name} accuracy as they come"] = float(
                    np.mean(as_they_come % 10 == data.labels)
                )
            for name, value in found.items():
                note(curves, name, value)
            if found["training loss"] == min(curves["training loss"]):
                figures, best = found, net.snapshot()
            setting.on_share((look + 1) / (self.blocks * BLOCK // AT_A_GLANCE + 1))
        net.restore(best)
        figures["loss after the first step"] = curves["training loss"][0]
        return Outcome(figures, steps.seconds, curves, net)


def clipped_loss(Z: Array, y: NDArray[np.int64]) -> float:
    """Return the mean cross-entropy of probabilities that are at least 1e-9, as the notebook's.

    It makes an image that is quite wrong cost 20.7, however wrong it is.
    """
    p = softmax(Z)[np.arange(len(y)), y]
    return float(-np.log(np.clip(p, 1e-9, 1)).mean())


def notebook(quick: bool = False) -> Notebook:
    """Return the notebook, or less of it."""
    corrected = FullBatch(10, 12_000, 2_000) if quick else FullBatch()
    published = replace(corrected, label_minus_one=True)
    batches = Fit(
        (Flatten(), Dense(initializer=Uniform(1 / 28))),  # as PyTorch draws them
        TrainConfig(epochs=2 if quick else 20, batch_size=128, optimizer=SGD(1e-3), patience=None),
        validation=10_000,
    )
    return Notebook(
        name="softmax-regression",
        title="One linear layer",
        data="mnist",
        about="One linear layer, 784-10, learns MNIST's digits: by hand on raw pixels with the "
        "50,000 training images in one step, then in PyTorch in batches. The other 10,000 "
        "judge it.",
        experiments=(
            _by_hand(published, corrected, quick),
            _beside_its_twin(replace(corrected, blocks=1 if quick else 2)),
            _in_pytorch(batches, quick),
        ),
        race=Race(LAYERS, SGD(5.0), 50_000, 50_000, 600 * 50_000, rounds=1 if quick else 2),
        errata=_errata(published, corrected, batches),
        trials=(
            Trial("40 epochs, AdamW to 0.002, decay 0.05", 0.92540, 2, taken=True),
            Trial("the same to 0.001", 0.92525, 2),
            Trial("the same to 0.005, decay 0.2", 0.92270, 2),
            Trial("the first, images moved by up to a pixel", 0.92120, 2),
        ),
        judged=JUDGES,
    )


def _by_hand(published: FullBatch, corrected: FullBatch, quick: bool) -> Experiment:
    best = Fit(
        tuple(softmax_regression()),
        TrainConfig(
            epochs=3 if quick else 40,
            batch_size=128,
            optimizer=AdamW(2e-3, weight_decay=0.05),
            schedule=OneCycle(),
            patience=None,
        ),
    )
    return Experiment(
        "by hand, all images in one step",
        {
            "published": published,
            "corrected": corrected,
            "best": best,
        },
        {
            "training accuracy": 0.922,
            "validation accuracy": 0.9075,
            "training loss": 1.6135,
            "validation loss": 1.917,
            "loss after the first step": 7.702,
        },
        {
            "loss after the first step": "The notebook goes from 18.687 to 7.702 with a first step "
            "at 1e-3. Here the loss is 18.89 ± 0.28 before that step, too; five steps at 1e-4 "
            "after it, it is 7.1 to 10.1 in the five seeds. What else the notebook's first step "
            "did is not known. Its biases then learn at 1e-5; here they have the weights' 1e-4.",
        },
        {
            ("published", "training accuracy"): (0.88, 0.96) if quick else (0.912, 0.930),
            ("published", "validation accuracy"): (0.85, 0.92) if quick else (0.897, 0.915),
            ("corrected", "validation accuracy"): (0.85, 0.92) if quick else (0.897, 0.915),
            ("best", "test accuracy"): (0.905, 0.925) if quick else (0.926, 1.0),
        },
        beat=f"{AT_A_GLANCE} steps each",
    )


def _beside_its_twin(begun: FullBatch) -> Experiment:
    """Return the first steps alone: PyTorch takes a second or more for each."""
    return Experiment(
        f"by hand, the first {begun.blocks * BLOCK} steps",
        {"corrected": begun, "twin": replace(begun, engine=TWIN)},
        shown=("validation accuracy",),
        beat=f"{AT_A_GLANCE} steps each",
    )


def _in_pytorch(batches: Fit, quick: bool) -> Experiment:
    return Experiment(
        "in PyTorch, batches of 128",
        {"published": batches, "corrected": batches, "twin": batches.in_torch()},
        {"validation accuracy": 0.857, "validation loss": 0.672},
        {
            "validation accuracy": "The loss agrees. Which 10,000 images judge it moves the "
            "accuracy by 0.35 points as standard deviation; nobody knows which they were."
        },
        ranges={
            (kind, "validation accuracy"): (0.68, 0.78) if quick else (0.845, 0.865)
            for kind in ("corrected", "twin")
        },
    )


def _errata(published: FullBatch, corrected: FullBatch, batches: Fit) -> tuple[Erratum, ...]:
    return (
        Erratum(
            "Labels are one-hot encoded at label − 1.",
            "Class 0 lands in column 9 by negative indexing. The network learns as well, but "
            "every prediction must be shifted back; without that, hardly one is right.",
            "validation accuracy as they come",
            published,
            corrected,
            "validation accuracy",
        ),
        Erratum(
            "dL/dZ is written as y − p, and the update adds it.",
            "It is p − y. The two errors cancel; who takes over the formula and the usual update "
            "goes uphill. Measured after 20 steps.",
            "validation accuracy",
            replace(corrected, blocks=1, sign=-1),
            replace(corrected, blocks=1),
        ),
        Erratum(
            "The conclusion says that PyTorch's accuracy exceeds 89 %.",
            "No cell shows that; the last one shows 85.7 %.",
            "validation accuracy",
            Said({"validation accuracy": 0.89}),
            batches,
        ),
    )
