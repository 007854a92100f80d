"""`convnet`: two convolutions with both kinds of dropout, in PyTorch.

The notebook's training code is correct; the errors are in the printed output and the text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from handgrad.layers import Array, Context, Dropout, Dropout2d, Layer, Params
from handgrad.layers.layer import Cache
from handgrad.models import convnet
from handgrad.optim import Adam, AdamW
from handgrad.reproduce.benchmark import SpeedBenchmark
from handgrad.reproduce.experiment import ReportedValue, Training
from handgrad.reproduce.notebook import (
    VALIDATION_SET,
    Erratum,
    Experiment,
    HyperparameterTrial,
    Notebook,
)
from handgrad.schedules import OneCycle
from handgrad.train import TrainConfig

BATCH = 100
LOW_DROPOUT = 0.1  # at its best
OTHER_DROPOUT = 0.25  # 1/p and 1/(1 − p) differ; at the notebook's 0.5 they are equal


@dataclass(frozen=True)
class ScaledByP(Dropout):
    """Dropout as the notebook describes it: scaled by 1/p instead of 1/(1 − p)."""

    def forward(self, params: Params, X: Array, ctx: Context) -> tuple[Array, Cache]:
        """X any shape -> Y, the same shape."""
        Y, mask = super().forward(params, X, ctx)
        return (Y * self._error, mask * self._error) if ctx.training else (Y, mask)

    @property
    def _error(self) -> np.float32:
        return np.float32((1 - self.p) / self.p)


@dataclass(frozen=True)
class ScaledByP2d(Dropout2d):
    """Channel dropout scaled by 1/p instead of 1/(1 − p), as the notebook describes it."""

    def forward(self, params: Params, X: Array, ctx: Context) -> tuple[Array, Cache]:
        """X (N, C, H, W) -> Y, the same shape."""
        Y, mask = super().forward(params, X, ctx)
        wrong = np.float32((1 - self.p) / self.p)
        return (Y * wrong, mask * wrong) if ctx.training else (Y, mask)


@dataclass(frozen=True)
class UncorrectedAdam(Adam):
    """Adam as given by the notebook's formulas: M and V start at zero, without bias correction.

    W ← W − η M/(√V + ε)
    """

    def update(self, W: Array, dW: Array, state: Mapping[str, Array], lr: float, t: int) -> None:
        """Update W and the two running means in place."""
        M, V = state["mean"], state["square"]
        M *= self.beta1
        M += (1 - self.beta1) * dW
        V *= self.beta2
        V += (1 - self.beta2) * dW * dW
        W -= lr * M / (np.sqrt(V) + self.eps)


def with_dropout(kinds: tuple[type[Dropout2d], type[Dropout]], p: float) -> tuple[Layer, ...]:
    """Return the network with its dropout layers replaced.

    Args:
        kinds: the classes to use for channel dropout and for element dropout.
        p: the dropout probability.
    """
    channels, single = kinds
    swap: dict[type, Layer] = {Dropout2d: channels(p), Dropout: single(p)}
    return tuple(swap.get(type(layer), layer) for layer in convnet())


def notebook(quick: bool = False) -> Notebook:
    """Return the notebook.

    Args:
        quick: whether to use fewer epochs and images.
    """
    epochs = 1 if quick else 15
    config = TrainConfig(epochs=epochs, batch_size=BATCH, optimizer=Adam(1e-3), patience=None)
    corrected = Training(tuple(convnet()), config, images=10_000 if quick else None)
    best = replace(
        corrected,
        layers=with_dropout((Dropout2d, Dropout), LOW_DROPOUT),
        config=TrainConfig(
            epochs=1 if quick else 30,
            batch_size=BATCH,
            optimizer=AdamW(4e-3, weight_decay=0.02),
            schedule=OneCycle(),
            augment=None if quick else "light",
            patience=None,
        ),
    )
    near = (0.70, 0.92) if quick else (0.985, 0.993)
    training = Experiment(
        "Adam, batches of 100",
        {
            "published": corrected,
            "corrected": corrected,
            "pytorch": corrected.in_torch(),
            "best": best,
        },
        ranges={
            ("corrected", "test accuracy"): near,
            ("pytorch", "test accuracy"): near,
            ("best", "test accuracy"): (0.75, 0.95) if quick else (0.993, 1.0),
        },
    )
    return Notebook(
        name="convnet",
        title="A convolutional network",
        data="mnist",
        about="Two 5x5 convolutions with pooling, dropout of channels and of elements, and two "
        "linear layers are trained on MNIST with Adam for 15 epochs. The notebook publishes no "
        "accuracy; PyTorch with these settings reaches about 98.9 to 99.1 %. The training code is "
        "correct; the errors are in the printed output and in the text. Therefore, the published "
        "and the corrected variant are identical. The best variant uses a dropout probability of "
        "0.1 "
        "instead of 0.5; with 0.5, no hyperparameters gave a validation accuracy above 99.2 %.",
        experiments=(training,),
        benchmark=SpeedBenchmark(tuple(convnet()), Adam(1e-3), BATCH, 3_000, 15 * 60_000),
        errata=_errata(corrected),
        trials=(
            HyperparameterTrial(
                "30 epochs, AdamW, learning rate up to 0.004, weight decay 0.02, light "
                "augmentation, dropout 0.1",
                0.9945,
                1,
                True,
            ),
            HyperparameterTrial(
                "60 epochs, learning rate up to 0.006, weight decay 0.01, milder augmentation "
                "than light, dropout 0.5",
                0.9913,
                1,
            ),
            HyperparameterTrial(
                "40 epochs, AdamW, learning rate up to 0.004, weight decay 0.02, light "
                "augmentation, dropout 0.5",
                0.9897,
                1,
            ),
            HyperparameterTrial(
                "60 epochs in batches of 50, light augmentation, weights averaged, dropout 0.5",
                0.9893,
                1,
            ),
        ),
        validated_on=VALIDATION_SET,
    )


def _errata(corrected: Training) -> tuple[Erratum, ...]:
    short = replace(corrected, config=replace(corrected.config, epochs=1), images=6_000)
    finished = ReportedValue({"progress": 1.0})
    return (
        Erratum(
            "The printed progress is a fraction multiplied by 10,000.",
            "To get a percentage, a fraction is multiplied by 100. This was measured at the end of "
            "an epoch.",
            "progress",
            finished,
            finished,
            misread=lambda share: 100 * share,
        ),
        Erratum(
            "Accuracy is the number of correct predictions divided by the number of batches.",
            "The number of correct predictions must be divided by the number of images, which is "
            "100 times larger.",
            "test accuracy",
            corrected,
            corrected,
            misread=lambda accuracy: BATCH * accuracy,
        ),
        Erratum(
            "The average loss is the sum of the batch means divided by the number of examples.",
            "The sum of the batch means must be divided by the number of batches.",
            "test loss",
            corrected,
            corrected,
            percent=False,
            misread=lambda loss: loss / BATCH,
        ),
        Erratum(
            "The text says that dropout scales the remaining values by 1/p.",
            "The correct factor is 1/(1 − p), which preserves the mean. At p = 0.5 both are 2, so "
            "the error has no effect. It was measured at p = 0.25, after one epoch of 6,000 "
            "images.",
            "test accuracy",
            replace(short, layers=with_dropout((ScaledByP2d, ScaledByP), OTHER_DROPOUT)),
            replace(short, layers=with_dropout((Dropout2d, Dropout), OTHER_DROPOUT)),
        ),
        Erratum(
            "The bias correction of Adam is missing from its formulas.",
            "M and V start at zero and are therefore too small at first, V more so than M, so the "
            "first steps are three times too long. This does no harm after one epoch of 6,000 "
            "images, but the formulas are neither those of Adam nor those of PyTorch.",
            "test accuracy",
            replace(short, config=replace(short.config, optimizer=UncorrectedAdam(1e-3))),
            short,
        ),
    )
