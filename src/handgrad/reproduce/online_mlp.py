"""`online-mlp`: one example at a time, by hand, compared with Keras.

300,000 updates of a hidden layer of 512. What the notebook is about is the time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from handgrad.init import Uniform
from handgrad.layers import Layer
from handgrad.losses import SoftmaxCrossEntropy, log_softmax, softmax
from handgrad.models import online_mlp
from handgrad.optim import SGD, AdamW
from handgrad.reproduce.benchmark import Race
from handgrad.reproduce.experiment import Fit, Outcome, Setting, Steps, first, judged, note
from handgrad.reproduce.notebook import JUDGES, Erratum, Experiment, Notebook, Trial
from handgrad.schedules import OneCycle
from handgrad.train import TrainConfig

LR = 0.01
LAYERS: tuple[Layer, ...] = tuple(online_mlp(Uniform(0.5)))


@dataclass(frozen=True)
class InFileOrder:
    """One update for each image, in the order of the file, each epoch alike.

    Attributes:
        epochs: how many times the images are gone through.
        images: how many are learned from, the first ones; None: all.
    """

    epochs: int = 5
    images: int | None = None

    def run(self, setting: Setting) -> Outcome:
        """Train."""
        setting = first(setting, self.images)
        train = setting.train
        net = setting.network(LAYERS)
        steps = Steps(setting, net, TrainConfig(SoftmaxCrossEntropy(), SGD(LR)))
        order = np.arange(len(train))
        curves: dict[str, list[float]] = {}
        for epoch in range(1, self.epochs + 1):
            came = steps.run(train, order, 1, LR)
            note(curves, "training loss", came.losses.mean())
            note(curves, "training accuracy", came.correct.mean())
            note(curves, "loss of the last image", came.losses[-1])
            setting.on_share(epoch / self.epochs)
        figures = judged(net, train, None, setting.test, steps.logits)
        figures["loss of the last image"] = curves["loss of the last image"][-1]
        figures["mean loss of the last epoch"] = curves["training loss"][-1]
        return Outcome(figures, steps.seconds, curves, net)


@dataclass(frozen=True)
class OverTheWholeArray:
    """The untrained network's answers to a batch, by the notebook's softmax and by the right one.

    Attributes:
        batch: how many images.
    """

    batch: int = 64

    def run(self, setting: Setting) -> Outcome:
        """Compute them."""
        Z = setting.network(LAYERS).logits(setting.train.images[: self.batch])
        exp = np.exp(Z - Z.max())
        whole = float((exp / exp.sum()).sum(axis=1).mean())
        rows = float(softmax(Z).sum(axis=1).mean())
        return Outcome({"sum of one image's probabilities": whole, "by rows": rows})


@dataclass(frozen=True)
class Unclipped:
    """How many losses of test images are infinite where probabilities are not clipped.

    Attributes:
        trained: the training before it.
    """

    trained: InFileOrder

    def run(self, setting: Setting) -> Outcome:
        """Train, and look."""
        net = self.trained.run(setting).net
        assert net is not None
        Z, y = net.logits(setting.test.images), setting.test.labels
        each = np.arange(len(y)), y
        figures = {
            "images without a finite loss": float(np.mean(softmax(Z)[each] == 0)),
            "from logits": float(np.mean(~np.isfinite(log_softmax(Z)[each]))),
        }
        return Outcome(figures)


def notebook(quick: bool = False) -> Notebook:
    """Return the notebook, or less of it."""
    images = 5_000 if quick else None
    published = InFileOrder(1 if quick else 5, images)
    recipe = TrainConfig(epochs=published.epochs, batch_size=1, optimizer=SGD(LR), patience=None)
    corrected = Fit(LAYERS, recipe, images=images)
    best = Fit(
        tuple(online_mlp()),
        TrainConfig(
            epochs=1 if quick else 40,
            batch_size=128,
            optimizer=AdamW(3e-3, weight_decay=0.05),
            schedule=OneCycle(),
            augment=None if quick else "light",
            patience=None,
        ),
    )
    only = Experiment(
        "one image at a time",
        {
            "published": published,
            "corrected": corrected,
            "twin": corrected.in_torch(),
            "best": best,
        },
        {"training accuracy": 0.9951, "test accuracy": 0.9721},
        ranges={
            ("published", "test accuracy"): (0.84, 0.92) if quick else (0.965, 0.977),
            ("corrected", "test accuracy"): (0.84, 0.92) if quick else (0.968, 0.978),
            ("twin", "test accuracy"): (0.84, 0.92) if quick else (0.968, 0.978),
            ("best", "test accuracy"): (0.95, 0.98) if quick else (0.989, 1.0),
        },
    )
    return Notebook(
        name="online-mlp",
        title="One example at a time",
        data="mnist",
        about="A hidden layer of 512 learns MNIST's digits one image at a time, in the order of "
        "the file: five epochs, 300,000 updates at 0.01, weights from (−0.5, 0.5). Its point is "
        "the comparison of direct computation with Keras; it says 12 minutes 8.5 seconds.",
        experiments=(only,),
        race=Race(LAYERS, SGD(LR), 1, 500 if quick else 2_000, 300_000, with_keras=True),
        errata=_errata(published, corrected),
        trials=(
            Trial("40 epochs, AdamW to 0.003, decay 0.05, light", 0.9938, 1, taken=True),
            Trial("the same, drawings", 0.9918, 1),
            Trial("the same, images as they are", 0.9847, 1),
        ),
        judged=JUDGES,
        seconds=12 * 60 + 8.5,
    )


def _errata(published: InFileOrder, corrected: Fit) -> tuple[Erratum, ...]:
    return (
        Erratum(
            "Nothing is shuffled.",
            "The network sees the same images in the same order in each epoch, and its last "
            "steps are always towards the same ones.",
            "test accuracy",
            published,
            corrected,
        ),
        Erratum(
            "The loss printed for an epoch is that of the last image.",
            "One image that is right says nothing of 60,000. Without: the epoch's mean.",
            "loss of the last image",
            published,
            published,
            "mean loss of the last epoch",
            percent=False,
        ),
        Erratum(
            "Cross-entropy takes the logarithm of unclipped probabilities.",
            "Where a probability is rounded to 0 the loss is infinite. Measured as the share of "
            "test images, in float32; the loss from logits is always finite.",
            "images without a finite loss",
            Unclipped(published),
            Unclipped(published),
            "from logits",
        ),
        Erratum(
            "The softmax subtracts and sums over the whole array.",
            "Right for one column, wrong for a batch, whose probabilities then sum to 1 all "
            "together. Measured as the sum of one image's in a batch of 64.",
            "sum of one image's probabilities",
            OverTheWholeArray(),
            OverTheWholeArray(),
            "by rows",
            percent=False,
        ),
    )
