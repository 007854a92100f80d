"""`fashion-mlp`: three layers with batch normalisation on Fashion-MNIST, by hand."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from handgrad.data import Dataset
from handgrad.init import GlorotNormal, HeNormal
from handgrad.layers import Array, Context, Dense, Flatten, Layer, Normalize, Params, Shape
from handgrad.layers.layer import Cache
from handgrad.losses import SoftmaxCrossEntropy
from handgrad.models import fashion_mlp
from handgrad.network import Network
from handgrad.optim import SGD, AdamW
from handgrad.random import generator
from handgrad.reproduce.benchmark import Race
from handgrad.reproduce.experiment import Fit, Outcome, Setting, Steps, first, note
from handgrad.reproduce.notebook import JUDGES, NOTHING, Erratum, Experiment, Notebook, Trial
from handgrad.schedules import OneCycle, Plateau
from handgrad.train import Evaluation, TrainConfig, evaluate

BATCH = 200
LR = 1e-2  # of a gradient that is summed over the batch
BYTES = Normalize(0.0, 1 / 255)  # the raw values: it undoes the scaling to 0..1


@dataclass(frozen=True)
class NormAndLeaky:
    """Batch normalisation and leaky ReLU in one, with the notebook's errors.

    X̂ = (X − μ)/σ, always by the batch's own statistics        Y = X̂ where X̂ > 0, else slope·X̂

    There is nothing to learn: no scale, no shift.

    Attributes:
        through: whether the way back goes through the normalisation; the notebook's leaves it
            out, as if X̂ were X.
        slope_of_output: whether the slope is that at X̂; the notebook takes it at X.
    """

    through: bool = False
    slope_of_output: bool = False
    slope: ClassVar = 0.01
    eps: ClassVar = 1e-9

    def init(self, shape: Shape, rng: np.random.Generator) -> tuple[Params, Shape]:
        """Return no parameters, and the shape as it came."""
        return {}, shape

    def forward(self, params: Params, X: Array, ctx: Context) -> tuple[Array, Cache]:
        """X (N, F) -> Y, the same shape."""
        std = np.sqrt(X.var(axis=0) + self.eps)
        X_hat = (X - X.mean(axis=0)) / std
        return np.where(X_hat > 0, X_hat, self.slope * X_hat), (X, X_hat, std)

    def backward(self, params: Params, cache: Cache, dY: Array) -> tuple[Array, Params]:
        """Take dY to dX, the same shape."""
        X, X_hat, std = cache
        at = X_hat if self.slope_of_output else X
        dX = np.where(at > 0, dY, self.slope * dY)
        if self.through:
            dX = (dX - dX.mean(axis=0) - X_hat * (dX * X_hat).mean(axis=0)) / std
        return dX, {}


def layers_with(norm: NormAndLeaky, *before: Layer) -> tuple[Layer, ...]:
    """Return the network with one layer for normalisation and leaky ReLU."""
    return (*before, Flatten(), Dense(32), norm, Dense(64), norm, Dense())


@dataclass(frozen=True)
class InBatches:
    """The notebook's training: gradients summed over batches of 200.

    Attributes:
        layers: the network.
        epochs: how many times the images are gone through.
        images: how many images there are, the first ones; None: all.
        validation: how many of them are set aside.
        shuffled: whether they come in a new order in each epoch; False: the error.
        label_minus_one: the error: a 0 becomes class 9, and predictions must be shifted back.
        lr: the learning rate of a summed gradient; by hand it was lowered "as the loss goes
            up", here it is halved after each epoch whose loss rose.
    """

    layers: tuple[Layer, ...]
    epochs: int = 30
    images: int | None = None
    validation: int = 10_000
    shuffled: bool = False
    label_minus_one: bool = True
    lr: float = LR

    def run(self, setting: Setting) -> Outcome:
        """Train."""
        setting = first(setting, self.images)
        train, validation = setting.split(self.validation)
        net = setting.network(self.layers)
        steps = Steps(setting, net, TrainConfig(SoftmaxCrossEntropy(), SGD(self.lr)))
        shift = int(self.label_minus_one)
        labels, order = (train.labels - shift) % 10, np.arange(len(train))
        lr, curves = self.lr * BATCH, dict[str, list[float]]()

        def found(data: Dataset) -> Evaluation:
            return evaluate(net, data, logits=lambda X: np.roll(together(net, X), shift, axis=1))

        for epoch in range(1, self.epochs + 1):
            if self.shuffled:
                order = generator(setting.seed, "shuffle", epoch).permutation(len(train))
            came = steps.run(train, order, BATCH, lr, labels)
            note(curves, "training loss", came.losses.mean())
            note(curves, "training accuracy", came.correct.sum() / len(train))
            note(curves, "validation accuracy", found(validation).accuracy)
            if curves["training loss"][-1] > min(curves["training loss"][-2:]):
                lr /= 2
            setting.on_share(epoch / self.epochs)

        figures = {"training accuracy, before the updates": curves["training accuracy"][-1]}
        for name, data in (("training", train), ("validation", validation), ("test", setting.test)):
            judged = found(data)
            figures |= {f"{name} accuracy": judged.accuracy, f"{name} loss": judged.loss}
        X, y = setting.test[:]
        pairs = np.roll(net.logits(X, batch_size=2), shift, axis=1).argmax(axis=1)
        figures["test accuracy, in pairs"] = float(np.mean(pairs == y))
        raw = together(net, X).argmax(axis=1)
        figures["test accuracy, as they come"] = float(np.mean(raw == y))
        return Outcome(figures, steps.seconds, curves, net)


def together(net: Network, X: NDArray[Any]) -> Array:
    """Return the logits of images, all of them normalised by each other, as the notebook's."""
    return net.forward(X)[0]


def notebook(quick: bool = False) -> Notebook:
    """Return the notebook, or less of it."""
    epochs = 3 if quick else 30
    published = InBatches(layers_with(NormAndLeaky(), BYTES), epochs)
    corrected = Fit(
        tuple(fashion_mlp()),
        TrainConfig(
            epochs=epochs,
            batch_size=BATCH,
            optimizer=SGD(BATCH * LR),
            schedule=Plateau(patience=1),
            patience=None,
        ),
        validation=10_000,
    )
    best = Fit(
        tuple(fashion_mlp()),
        TrainConfig(
            epochs=3 if quick else 40,
            batch_size=BATCH,
            optimizer=AdamW(1e-2, weight_decay=0.05),
            schedule=OneCycle(),
            patience=None,
        ),
    )
    only = Experiment(
        "batches of 200",
        {
            "published": published,
            "corrected": corrected,
            "twin": corrected.in_torch(),
            "best": best,
        },
        {"training accuracy": 0.8366, "test accuracy": 0.8232},
        ranges={
            ("published", "test accuracy"): (0.60, 0.80) if quick else (0.77, 0.86),
            ("corrected", "test accuracy"): (0.78, 0.87) if quick else (0.865, 0.89),
            ("twin", "test accuracy"): (0.78, 0.87) if quick else (0.865, 0.89),
            ("best", "test accuracy"): (0.85, 0.88) if quick else (0.886, 1.0),
        },
    )
    return Notebook(
        name="fashion-mlp",
        title="Three layers with batch normalisation",
        data="fashion-mnist",
        about="Fashion-MNIST, 784-32-64-10 with batch normalisation and leaky ReLU, in batches "
        "of 200 at 0.01 of a summed gradient, which is 2 of its mean, lowered by hand. Of the "
        "60,000 training images 10,000 judge it, and then the test images. How many epochs "
        "it took is not said: here 30, the rate halved whenever the loss rises.",
        experiments=(only,),
        race=Race(tuple(fashion_mlp()), SGD(BATCH * LR), BATCH, 20_000, 30 * 50_000),
        errata=_errata(published, corrected, min(epochs, 10)),
        trials=(
            Trial("40 epochs, AdamW to 0.01, decay 0.05", 0.89760, 2, taken=True),
            Trial("the same, labels smoothed by 0.1", 0.89745, 2),
            Trial("the same, decay 0.3", 0.89525, 2),
            Trial("the first, images mirrored and moved by up to 2 pixels", 0.88285, 2),
        ),
        judged=JUDGES,
    )


def _errata(published: InBatches, corrected: Fit, epochs: int) -> tuple[Erratum, ...]:
    """Return the errors; those of training are put one at a time into one that has none."""
    right = InBatches(
        layers_with(NormAndLeaky(through=True, slope_of_output=True)),
        epochs,
        shuffled=True,
        label_minus_one=False,
    )
    test = "test accuracy"
    he, xavier = (
        Fit(tuple(fashion_mlp(initializer)), replace(corrected.recipe, epochs=epochs))
        for initializer in (HeNormal(), GlorotNormal())
    )
    return (
        Erratum(
            "The way back ignores batch normalisation.",
            "X̂ depends on the whole batch through mean and deviation; without their part of the "
            "chain rule the step is not along the gradient.",
            test,
            replace(right, layers=layers_with(NormAndLeaky(through=False, slope_of_output=True))),
            right,
        ),
        Erratum(
            "The slope of leaky ReLU is taken at the values before normalisation.",
            "It was applied to those after it: where mean and zero lie apart, 1 stands in place "
            "of 0.01 and the other way round.",
            test,
            replace(right, layers=layers_with(NormAndLeaky(through=True, slope_of_output=False))),
            right,
        ),
        Erratum(
            "No running statistics: one image needs another one beside it.",
            "The answer depends on the company. With: test images in pairs. Without: one by "
            "one, by statistics kept from training.",
            "test accuracy, in pairs",
            published,
            corrected,
            test,
        ),
        Erratum(
            "Batch normalisation without scale and shift.",
            "They give back what the normalisation takes away; the bias before it does nothing.",
            test,
            right,
            Fit(corrected.layers, replace(corrected.recipe, epochs=epochs), validation=10_000),
        ),
        Erratum(
            "Labels at label − 1.",
            "As in softmax-regression: every prediction must be shifted back.",
            "test accuracy, as they come",
            published,
            published,
            test,
        ),
        Erratum(
            "The initialisation N(0, sqrt(2/inputs)) is called Xavier's.",
            "It is He's. Xavier's, 2/(inputs + outputs), is what one gets who goes by the name.",
            test,
            xavier,
            he,
        ),
        Erratum(
            "Images are not shuffled between epochs.",
            "The same 200 meet in every epoch, and normalise each other.",
            test,
            replace(right, shuffled=False),
            right,
        ),
        Erratum(
            "Pixels are not scaled.",
            "Raw values make the first layer's gradients 255 times as large, at one rate for all. "
            "Here batch normalisation divides that out again.",
            test,
            replace(right, layers=layers_with(NormAndLeaky(True, True), BYTES)),
            right,
        ),
        Erratum(
            "Training accuracy is printed from a stale output.",
            "It is that of weights before the updates, not of the network that is there.",
            "training accuracy, before the updates",
            published,
            published,
            "training accuracy",
        ),
        Erratum(
            "The class has two names for its labels.",
            "Who changes what one of them names may leave the other as it was. A name by itself "
            "changes no figure, so that nothing was measured.",
            NOTHING,
            published,
            published,
        ),
    )
