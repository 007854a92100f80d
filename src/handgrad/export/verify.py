"""Verification of a model file with its stored reference outputs (golden outputs).

Every available engine must reproduce these outputs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handgrad.classifier import Bundle, Classifier
from handgrad.engines import TrainConfig, engine_named
from handgrad.errors import ConfigError, MissingExtraError, ModelError
from handgrad.layers import Array
from handgrad.losses import SoftmaxCrossEntropy
from handgrad.optim import SGD
from handgrad.random import generator

TOLERANCE = 1e-5
NOISY = 64  # raw images of noise, where the background is hard to detect


@dataclass(frozen=True)
class EngineCheck:
    """The result of checking one engine with the golden images.

    Attributes:
        engine: the name of the engine.
        difference: the largest difference between a logit and its expected value, divided by the
            largest expected logit if that logit exceeds 1, or None if the engine did not run.
        reason: the reason why the engine did not run, or "" if it ran.
    """

    engine: str
    difference: float | None
    reason: str = ""


@dataclass(frozen=True)
class VerificationResult:
    """The result of verifying a model file.

    Attributes:
        answers: one result per engine.
        changed: the components that have changed since the golden outputs were computed: weights,
            labels, preprocessing, calibration, or "images" if the preprocessing gives different
            images.
        tolerance: the largest accepted difference.
    """

    answers: tuple[EngineCheck, ...]
    changed: tuple[str, ...]
    tolerance: float = TOLERANCE

    @property
    def passed(self) -> bool:
        """Whether nothing has changed, and every engine that ran reproduced the golden outputs."""
        asked = [answer.difference for answer in self.answers if answer.difference is not None]
        return not self.changed and all(found <= self.tolerance for found in asked)


def verify_bundle(bundle: Bundle, tolerance: float = TOLERANCE) -> VerificationResult:
    """Run the golden images through every engine, ONNX Runtime and C, and compare outputs.

    Args:
        bundle: the content of a model file.
        tolerance: the largest accepted difference.
    """
    golden, classifier = bundle.golden, bundle.classifier
    now = classifier.component_hashes()
    if "calibration" not in golden.component_hashes:  # the first files had no hash of it
        del now["calibration"]
    changed = [part for part, value in now.items() if golden.component_hashes.get(part) != value]
    images = golden.images
    if golden.raw is not None and classifier.preprocessing is not None:
        made = np.stack([classifier.preprocessing.apply(x) for x in golden.raw])
        images = np.concatenate([made, golden.images[len(made) :]])
        if not np.array_equal(images, golden.images):
            changed.append("images")
    answers = [_answer(name, ask, bundle, images) for name, ask in _ENGINES.items()]
    return VerificationResult(tuple(answers), tuple(changed), tolerance)


def verify_html(bundle: Bundle, model: Path, page: Path) -> EngineCheck:
    """Check that an HTML file contains a model, and that its script gives the golden outputs.

    Args:
        bundle: the content of the model file.
        model: the model file.
        page: the HTML file.

    Raises:
        ModelError: if the HTML file contains another model, or answers otherwise.
    """
    from handgrad.export.html_file import embedded_models, read_bytes, read_html

    known = {read_bytes(content).digest for content in embedded_models(bundle, model)}
    if read_bytes(read_html(page).model).digest not in known:
        raise ModelError(f"{page}: contains another model than {model}; export it again")
    return _self_test(page)


def verify_page(page: Path, tolerance: float = TOLERANCE) -> VerificationResult:
    """Verify the model that an HTML file contains, and run the file's own self-test.

    Args:
        page: the HTML file.
        tolerance: the largest accepted difference.

    Raises:
        ModelError: if the file contains no model, or its self-test finds a change.
    """
    from handgrad.export.html_file import read_bytes, read_html

    found = verify_bundle(read_bytes(read_html(page).model), tolerance)
    return replace(found, answers=(*found.answers, _self_test(page)))


def _self_test(page: Path) -> EngineCheck:
    """Return the result of the self-test of an HTML file; raise a ModelError if it was changed."""
    from handgrad.export.html_file import read_html
    from handgrad.export.v8 import run_html

    try:
        check = run_html(read_html(page))
    except MissingExtraError as error:
        return EngineCheck(page.name, None, str(error))
    if check.changed:
        raise ModelError(
            f"{page}: its self-test fails, because it was changed: {', '.join(check.changed)}; "
            "export it again"
        )
    if check.right < check.total and check.difference <= TOLERANCE:
        raise ModelError(
            f"{page}: its preprocessing gives other images than Python; do not use this file"
        )
    return EngineCheck(page.name, check.difference)


def difference(found: Array, expected: Array) -> float:
    """Return the largest difference, divided by the largest expected logit if that exceeds 1."""
    apart = np.abs(found.astype(np.float64) - expected).max()
    return float(apart / max(1.0, float(np.abs(expected).max())))


def _answer(
    name: str, ask: Callable[[Bundle, NDArray[Any]], Array], bundle: Bundle, images: NDArray[Any]
) -> EngineCheck:
    """Return the result of checking one engine, or the reason why it cannot run."""
    try:
        logits = ask(bundle, images)
    except (MissingExtraError, ModelError, ConfigError) as error:
        return EngineCheck(name, None, str(error))
    return EngineCheck(name, difference(logits, bundle.golden.logits))


def _engine(name: str) -> Callable[[Bundle, NDArray[Any]], Array]:
    """Return a function that computes the outputs with one of handgrad's engines."""

    def ask(bundle: Bundle, images: NDArray[Any]) -> Array:
        net = bundle.classifier.network.copy()
        return engine_named(name, net, TrainConfig(SoftmaxCrossEntropy(), SGD())).logits(images)

    return ask


def _compiled(bundle: Bundle, images: NDArray[Any]) -> Array:
    if not (find_spec("numba") and find_spec("llvmlite")):
        raise MissingExtraError("Numba is not installed")
    return _engine("compiled")(bundle, images)


def _onnx(bundle: Bundle, images: NDArray[Any]) -> Array:
    """Return the logits that ONNX Runtime computes with the graph that would be exported."""
    from handgrad.export.onnx import to_onnx

    return run_onnx(to_onnx(bundle).SerializeToString(), images)


def _c(bundle: Bundle, images: NDArray[Any]) -> Array:
    """Return the logits that the C header computes that would be exported."""
    from handgrad.export.c.compiler import run_c

    return run_c(bundle, images)


def run_onnx(model: bytes, images: NDArray[Any]) -> Array:
    """Return the logits that ONNX Runtime computes with an exported graph.

    Raises:
        MissingExtraError: if ONNX Runtime is not installed.
    """
    if find_spec("onnxruntime") is None:
        raise MissingExtraError(
            'ONNX Runtime is not installed; install it with pip install "handgrad[onnx]"'
        )
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # its warnings are about its own optimizer
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    logits: Array = session.run(["logits"], {"images": images})[0]
    return logits


def as_raw(classifier: Classifier, images: NDArray[Any]) -> tuple[NDArray[np.uint8], Array]:
    """Return raw images, such as a file contains, and the logits that are expected for them.

    Args:
        classifier: a classifier with a preprocessing.
        images: preprocessed images that the classifier accepts, (N, C, H, W).

    Returns:
        The images, their inverses and noise images, (M, 3, H, W), and the expected logits, (M, K).
    """
    light = np.broadcast_to(images, (len(images), 3, *images.shape[2:])).astype(np.uint8)
    noise = generator(0, "augment").integers(0, 256, (NOISY, *light.shape[1:]), np.uint8)
    raw = np.concatenate([light, 255 - light, noise])
    assert classifier.preprocessing is not None, "raw images require a preprocessing"
    prepared = np.stack([classifier.preprocessing.apply(x.transpose(1, 2, 0)) for x in raw])
    return raw, classifier.network.logits(prepared)


def _javascript(bundle: Bundle, images: NDArray[Any]) -> Array:  # noqa: ARG001
    """Return the logits of the JavaScript runtime, which preprocesses the raw images itself."""
    from handgrad.export.html_file import model_bytes
    from handgrad.export.v8 import run_javascript

    return run_javascript(model_bytes(bundle)).logits


_ENGINES: dict[str, Callable[[Bundle, NDArray[Any]], Array]] = {
    "reference": _engine("reference"),
    "compiled": _compiled,
    "torch": _engine("torch"),
    "ONNX Runtime": _onnx,
    "JavaScript": _javascript,
    "C": _c,
}
