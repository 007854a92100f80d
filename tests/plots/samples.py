"""Sample names, images, histories and counts for the tests of figures."""

from __future__ import annotations

import numpy as np

from handgrad.train.history import Epoch, History

FASHION = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
LONG = ("a name of many words, longer than the image is wide", "x" * 45, "$5 and $6")


def random_images(count, channels=1, dtype=np.uint8, seed=0):
    images = np.random.default_rng(seed).integers(0, 256, (count, channels, 7, 9), np.uint8)
    return images if dtype == np.uint8 else (images / 255).astype(dtype)


def a_history(epochs, validation=True, first=2.0, last=0.5, best=None):
    losses = np.geomspace(first, last, epochs)
    return History(
        [
            Epoch(
                number=n,
                loss=float(loss),
                accuracy=n / (epochs + 1),
                validation_loss=float(loss) + 0.1 if validation else None,
                validation_accuracy=n / (epochs + 2) if validation else None,
                lr=1e-3,
                seconds=1.0,
                images_per_second=1.0,
                best=n <= (best or epochs),
            )
            for n, loss in enumerate(losses, start=1)
        ]
    )


def confusion_of(classes, seed=0, most=1000):
    rng = np.random.default_rng(seed)
    return rng.poisson(1, (classes, classes)) + np.diag(rng.integers(most // 2, most, classes))
