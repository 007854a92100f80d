"""A model file before its own golden pictures: every engine at hand must answer as it did."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handgrad.bundle import Bundle
from handgrad.bundle.golden import seals
from handgrad.engines import Rules, engine_named
from handgrad.errors import ConfigError, MissingExtraError, ModelError
from handgrad.layers import Array
from handgrad.losses import SoftmaxCrossEntropy
from handgrad.network import Network
from handgrad.optim import SGD
from handgrad.random import generator

TOLERANCE = 1e-5
NOISY = 64  # raw pictures: in noise it is seldom clear which is ground


@dataclass(frozen=True)
class Answer:
    """What one engine answered to the golden pictures.

    Attributes:
        engine: its name.
        difference: the largest difference of a logit from the one expected, as a share of the
            largest logit expected where that is above 1; None: the engine was not asked.
        reason: why it was not asked.
    """

    engine: str
    difference: float | None
    reason: str = ""


@dataclass(frozen=True)
class Finding:
    """What was found about a model file.

    Attributes:
        answers: one for each engine.
        changed: which parts are not those that gave the golden answers: weights, labels,
            preparation, calibration, or "pictures" where the preparation makes others of the raw
            ones.
        tolerance: the largest difference allowed.
    """

    answers: tuple[Answer, ...]
    changed: tuple[str, ...]
    tolerance: float = TOLERANCE

    @property
    def passed(self) -> bool:
        """Whether nothing was changed and all who were asked answered as expected."""
        asked = [answer.difference for answer in self.answers if answer.difference is not None]
        return not self.changed and all(found <= self.tolerance for found in asked)


def verify_bundle(bundle: Bundle, tolerance: float = TOLERANCE) -> Finding:
    """Run the golden pictures in every engine at hand and in ONNX Runtime.

    Args:
        bundle: what a model file holds.
        tolerance: the largest difference allowed.
    """
    golden, net = bundle.golden, bundle.net
    now = seals(net)
    if "calibration" not in golden.seals:  # the first files had no seal of it
        del now["calibration"]
    changed = [part for part, seal in now.items() if golden.seals.get(part) != seal]
    pictures = golden.pictures
    if golden.raw is not None and net.preparation is not None:
        made = np.stack([net.preparation.apply(x) for x in golden.raw])
        pictures = np.concatenate([made, golden.pictures[len(made) :]])
        if not np.array_equal(pictures, golden.pictures):
            changed.append("pictures")
    answers = [_answer(name, ask, bundle, pictures) for name, ask in _ENGINES.items()]
    return Finding(tuple(answers), tuple(changed), tolerance)


def difference(found: Array, expected: Array) -> float:
    """Return the largest difference, as a share of the largest expected where that is above 1."""
    apart = np.abs(found.astype(np.float64) - expected).max()
    return float(apart / max(1.0, float(np.abs(expected).max())))


def _answer(
    name: str, ask: Callable[[Bundle, NDArray[Any]], Array], bundle: Bundle, pictures: NDArray[Any]
) -> Answer:
    """Return what one engine answers, or why it cannot."""
    try:
        logits = ask(bundle, pictures)
    except (MissingExtraError, ModelError, ConfigError) as error:
        return Answer(name, None, str(error))
    return Answer(name, difference(logits, bundle.golden.logits))


def _engine(name: str) -> Callable[[Bundle, NDArray[Any]], Array]:
    """Return how an engine of handgrad is asked."""

    def ask(bundle: Bundle, pictures: NDArray[Any]) -> Array:
        net = _copy(bundle.net)
        return engine_named(name, net, Rules(SoftmaxCrossEntropy(), SGD())).logits(pictures)

    return ask


def _compiled(bundle: Bundle, pictures: NDArray[Any]) -> Array:
    if not (find_spec("numba") and find_spec("llvmlite")):
        raise MissingExtraError("Numba is not installed")
    return _engine("compiled")(bundle, pictures)


def _onnx(bundle: Bundle, pictures: NDArray[Any]) -> Array:
    """Return the logits of ONNX Runtime, given the graph that would be exported."""
    from handgrad.bundle.onnx import to_onnx

    return run_onnx(to_onnx(bundle).SerializeToString(), pictures)


def run_onnx(model: bytes, pictures: NDArray[Any]) -> Array:
    """Return the logits that ONNX Runtime gives, with a graph of ours.

    Raises:
        MissingExtraError: if it is not installed.
    """
    if find_spec("onnxruntime") is None:
        raise MissingExtraError(
            'ONNX Runtime is not installed; install it with pip install "handgrad[onnx]"'
        )
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # its warnings are about its own optimizer
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    logits: Array = session.run(["logits"], {"pictures": pictures})[0]
    return logits


def as_raw(net: Network, pictures: NDArray[Any]) -> tuple[NDArray[np.uint8], Array]:
    """Return pictures as they lie in files, and the logits wanted.

    Args:
        net: a network with a preparation.
        pictures: some that it takes, (N, C, H, W).

    Returns:
        These pictures light and dark, and others of noise, (M, 3, H, W), and logits (M, K).
    """
    light = np.broadcast_to(pictures, (len(pictures), 3, *pictures.shape[2:])).astype(np.uint8)
    noise = generator(0, "augment").integers(0, 256, (NOISY, *light.shape[1:]), np.uint8)
    raw = np.concatenate([light, 255 - light, noise])
    assert net.preparation is not None, "raw pictures want a preparation"
    prepared = np.stack([net.preparation.apply(x.transpose(1, 2, 0)) for x in raw])
    return raw, net.logits(prepared)


def _copy(net: Network) -> Network:
    """Return the same network with arrays of its own."""
    copy = Network(net.layers, net.shape, net.classes, dtype=net.dtype, arrays=net.arrays)
    copy.measured = net.measured
    return copy


_ENGINES: dict[str, Callable[[Bundle, NDArray[Any]], Array]] = {
    "reference": _engine("reference"),
    "compiled": _compiled,
    "torch": _engine("torch"),
    "ONNX Runtime": _onnx,
}
