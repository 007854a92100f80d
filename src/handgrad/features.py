"""Features: the activations of one layer of a trained network, for other programs to use."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from handgrad.class_names import Label
from handgrad.classifier import Classifier, network_of
from handgrad.errors import ConfigError, ModelError
from handgrad.files import replacing
from handgrad.layers import Array, Context, Dense
from handgrad.network import Network, finite
from handgrad.walk import walk


def features(
    model: Network | Classifier,
    X: ArrayLike,
    layer: int | str | None = None,
    *,
    batch_size: int = 250,
) -> Array:
    """Return the output of one layer for images, flattened to one row per image, (N, D).

    The layers run in inference mode. By default, the features are the input of the last `Dense`,
    from which the network computes its logits. They are useful as input of other classifiers, for
    clustering, and to search for similar images.

    >>> _, test = hg.load_data("digits")
    >>> net = hg.Network(hg.models.two_layer(), test.shape, 10)
    >>> hg.features(net, test.images[:5]).shape
    (5, 30)
    >>> hg.features(net, test.images[:5], layer="0 Normalize").shape
    (5, 64)

    Args:
        model: the network or classifier.
        X: images, (N, C, H, W), as for `Classifier.predict`.
        layer: the index of a layer, where -1 is the last one; or its name, such as "2", "2 Dense",
            or "3.body.0" for a layer inside another one; or None for the input of the last `Dense`.
        batch_size: the number of images that are computed at a time.

    Raises:
        ModelError: if there is no such layer.
        DataError: if the images do not match the network.
        ConfigError: if the batch size is below 1.
    """
    if batch_size < 1:
        raise ConfigError(f"batch_size must be at least 1, not {batch_size}")
    net = network_of(model)
    path = _path(net, layer)
    images = model.pixels(X) if isinstance(model, Classifier) else net.as_images(X)
    X = finite(images, net.dtype)
    batches = [X[at : at + batch_size] for at in range(0, len(X), batch_size)]
    if not batches:
        empty = np.zeros((1, *net.shape), net.dtype)
        return _output(net, empty, path).reshape(1, -1)[:0]
    return np.concatenate([_output(net, batch, path).reshape(len(batch), -1) for batch in batches])


def check_feature_file(path: Path) -> None:
    """Raise a ConfigError unless a path ends in .npz."""
    if path.suffix != ".npz":
        raise ConfigError(f"{path}: features are written to an NPZ file; use the suffix .npz")


def save_features(
    path: Path,
    features: Array,
    files: Sequence[str],
    labels: Sequence[Label | None],
    predicted: Sequence[Label | None],
) -> None:
    """Write features to an NPZ file, with the name, the label and the prediction of each image.

    The file holds the arrays ``features`` (N, D) float32, and ``files``, ``labels`` and
    ``predicted``, each (N,) text. The label of an image is "" if it is unknown.

    Raises:
        ConfigError: if the path does not end in .npz.
        StorageError: if the file cannot be written.
    """
    check_feature_file(path)
    names = {"files": files, "labels": labels, "predicted": predicted}
    texts: dict[str, Any] = {
        key: np.array(["" if value is None else str(value) for value in values], np.str_)
        for key, values in names.items()
    }
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez(file, features=features, **texts)


def _output(net: Network, X: Array, path: str) -> Array:
    """Return the output of the layer with a path, or the input of the network for the path ""."""
    X = net.as_input(X)
    if not path:
        return X
    inner = "." in path
    for step in walk(net.layers, net.params, X, Context(), inner=inner):
        if step.path == path:
            return step.Y
    raise AssertionError(path)


def _path(net: Network, layer: int | str | None) -> str:
    """Return the path of a layer, or "" for the input of the network."""
    if layer is None:
        dense = [i for i, known in enumerate(net.layers) if isinstance(known, Dense)]
        if not dense:
            raise ModelError("the network has no Dense layer at its top level; give layer=INDEX")
        return str(dense[-1] - 1) if dense[-1] else ""
    count = len(net.layers)
    if isinstance(layer, int | np.integer) and not isinstance(layer, bool):
        if not -count <= layer < count:
            raise ModelError(
                f"there is no layer {layer}; the network has the layers 0 to {count - 1}"
            )
        return str(layer % count)
    steps = net.walk(np.zeros((1, *net.shape), net.dtype), inner=True)
    names = {step.path: f"{step.path} {type(step.layer).__name__}" for step in steps}
    wanted: Any = str(layer).replace("(", "").replace(")", "")
    for path, name in names.items():
        if wanted in (path, name):
            return path
    raise ModelError(f"there is no layer {layer!r}; choose one of {', '.join(names.values())}")


def first_weights(net: Network) -> tuple[int, Array]:
    """Return the weights that are applied to the pixels, (O, C, H, W), and their layer's index.

    Raises:
        ModelError: if no dense or convolutional layer has an image as its input.
    """
    outputs = [net.shape, *(row.output for row in net.summary().rows)]
    for name, weight in net.parameters.items():
        index = int(name.split(".")[0])
        if weight.ndim == 4:
            return index, weight
        if weight.ndim == 2:
            pixels = [shape for shape in outputs[: index + 1] if len(shape) == 3][-1:]
            if [weight.shape[1]] == [math.prod(shape) for shape in pixels]:
                return index, weight.reshape(-1, *pixels[0])
            break
    raise ModelError("no weights can be drawn: no Dense or Conv2d layer has an image as its input")
