"""The command `python -m conformance.out_of_distribution`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

import handgrad as hg
from conformance.out_of_distribution.images import (
    FONTS,
    LIKE_DIGITS,
    font_file,
    letters,
    noise,
    scribbles,
)
from handgrad.errors import DataError, HandgradError
from handgrad.losses import softmax
from handgrad.markdown_sections import table, write
from handgrad.ood import ACCEPTED
from handgrad.runs import calibrate_on

SECTION = "out-of-distribution images"
# The models and their epochs, and the least fraction of each kind that the first must reject.
MODELS = {"convnet": 5, "smallnet": 3, "two-layer": 8, "online-mlp": 4}
REQUIRED = {"Fashion-MNIST": 0.95, "letters": 0.9, "scribbles": 0.95}
COPIES, COUNT = 3, 1000


def main(words: list[str] | None = None) -> int:
    """Train the models, measure what they reject, and return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m conformance.out_of_distribution",
        description="Train MNIST models and measure how many images of other kinds they reject at "
        "the threshold that accepts 95 % of MNIST's test images. The exit status is 1 if a model "
        "rejects too few.",
    )
    parser.add_argument(
        *("models",),
        nargs="*",
        metavar="MODEL",
        help="the name of a network to train, or the folder of a run of MNIST with a tenth of the "
        f"images for validation and seed 0 (default: {', '.join(MODELS)})",
    )
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the table to FILE")
    given = parser.parse_args(words)
    try:
        kinds = images_of_other_kinds()
        found = {Path(name).name: measure(trained(name), kinds) for name in given.models or MODELS}
    except HandgradError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    text = section(found)
    if given.write:
        write(SECTION, text, given.write)
    else:
        print(text)
    return 0 if all(enough(row) for row in found.values()) else 1


def trained(name: str) -> hg.Classifier:
    """Return a model trained on nine tenths of MNIST, with its out-of-distribution score."""
    train, validation = hg.load_data("mnist")[0].split(0.1, 0)
    if Path(name).exists():
        model = hg.load_model(name)
    else:
        model, epochs = hg.Classifier.for_data(hg.models.named(name), train), MODELS.get(name, 5)
        hg.fit(model, train, epochs=epochs, validation=validation, optimizer=hg.Adam(1e-3))
    calibrate_on(model, validation, train)
    return model


def images_of_other_kinds() -> dict[str, np.ndarray]:
    """Return images of each kind other than digits, (N, 1, 28, 28)."""
    files = [font_file(name) for name in FONTS]
    if missing := [name for name, file in zip(FONTS, files, strict=True) if file is None]:
        raise DataError(f"the fonts {', '.join(missing)} are not installed; install their packages")
    drawn = [letters(file, COPIES, seed) for seed, file in enumerate(files) if file is not None]
    return {
        "Fashion-MNIST": hg.load_data("fashion-mnist")[1].images,
        "letters": np.concatenate(drawn),
        "scribbles": scribbles(COUNT),
        **{f"{kind} noise": X for kind, X in noise(COUNT).items()},
    }


def measure(model: hg.Classifier, kinds: dict[str, np.ndarray]) -> dict[str, dict[str, float]]:
    """Return the fraction of each kind that each score rejects."""
    own = hg.load_data("mnist")[1].images
    digits = scores(model, own)
    limits = {key: np.quantile(values, ACCEPTED) for key, values in digits.items()}
    assert model.ood is not None
    stored = float(model.ood.threshold[0])
    result = {"accepted": {"stored": float((digits["score"] <= stored).mean())}}
    for kind, X in kinds.items():
        found = scores(model, X)
        result[kind] = {key: float((s > limits[key]).mean()) for key, s in found.items()}
        result[kind] |= {"stored": float((found["score"] > stored).mean()), "images": len(X)}
    return result


def scores(model: hg.Classifier, X: np.ndarray) -> dict[str, np.ndarray]:
    """Return the out-of-distribution score and minus the highest probability, (N,)."""
    Z = model.logits(X)
    assert model.ood is not None
    return {"score": model.ood.scores(model.network, X, Z), "softmax": -softmax(Z).max(axis=1)}


def enough(row: dict[str, dict[str, float]]) -> bool:
    """Return whether a model rejects as many images of each kind as required."""
    return all(row[kind]["score"] >= REQUIRED.get(kind, 0.95) for kind in row if kind != "accepted")


def section(found: dict[str, dict[str, dict[str, float]]]) -> str:
    """Return the results in Markdown."""
    rows = [
        [
            f"`{name}`",
            kind,
            f"{each['images']:,}",
            *(f"{each[key]:.1%}" for key in ("score", "softmax", "stored")),
        ]
        for name, row in found.items()
        for kind, each in row.items()
        if kind != "accepted"
    ]
    headings = ["model", "images", ">count", ">score", ">highest probability alone"]
    headings.append(">score, stored threshold")
    accepted = ", ".join(f"{row['accepted']['stored']:.1%} (`{n}`)" for n, row in found.items())
    return f"""## Measured on MNIST

Written by `python -m conformance.out_of_distribution --write docs/confidence.md`.

Each model is trained on nine tenths of MNIST's training images. The columns give the fraction of
images of other kinds that is rejected at the threshold that accepts 95 % of MNIST's test images.
The last column uses the threshold that is stored in the model, which accepts 95 % of the
validation images and, of the test images, {accepted}.

{table(headings, rows)}

The letters are upper and lower case in ten fonts ({", ".join(FONTS)}), with random stroke width,
slant and rotation. Like the scribbles, they are drawn in dark ink on a light canvas and
preprocessed like drawings. These letters are left out, because they look like digits:
{", ".join(sorted(LIKE_DIGITS))}.
"""


if __name__ == "__main__":
    sys.exit(main())
