"""The golden images of a model as C arrays, with everything that the self-test expects of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from handgrad.calibration import Calibration
from handgrad.classifier import Bundle
from handgrad.export.c import source
from handgrad.pixel_range import AS_THEY_ARE

REASONS = (
    *("", "unsure", "unlike the training data"),
    *("nothing drawn", "lines across the image", "opposite polarity"),
)
TOLERANCE = 1e-5
_CLOSE = 1e-4  # of a threshold: rounding decides whether it is exceeded


Arrays = dict[str, NDArray[Any]]


def self_test(bundle: Bundle, network: Arrays, score: Arrays) -> str:
    """Return the self-test.

    Args:
        bundle: the content of a model file.
        network: the constant arrays of the network, which must not change, by name.
        score: those of the out-of-distribution score; empty if there is none.
    """
    text = source.only(source.read("test.h"), "raw", keep=bundle.golden.raw is not None)
    kinds = {values.dtype for values in network.values()}
    text = source.only(text, "int8", keep=np.dtype(np.int8) in kinds)
    text = source.only(text, "float32", keep=np.dtype(np.float32) in kinds or bool(score))
    text = source.only(text, "ood", keep=bool(score), guard="HG_NO_OOD")
    hashes = [
        f"#define HG_GOLDEN_{name} {source.bits_hash(list(arrays.values()))}u"
        for name, arrays in (("HASH", network), ("SCORE_HASH", score))
        if arrays is network or score
    ]
    text = text.replace("@golden@", "\n".join([_golden(bundle), *hashes]))
    text = text.replace("@network_hash@", _hash(network))
    return text.replace("@score_hash@", _hash(score)).strip()


def _hash(arrays: Arrays) -> str:
    """Return the calls that compute the hash of arrays."""
    functions = {"float32": "hg_hash", "int8": "hg_hash_int8", "int32": "hg_hash_int32"}
    return "\n".join(
        f"    hash = {functions[values.dtype.name]}(hash, {name}, {values.size});"
        for name, values in arrays.items()
    )


def _golden(bundle: Bundle) -> str:
    """Return the golden images, and what the self-test expects."""
    classifier, stored = bundle.classifier, bundle.golden
    images, logits = stored.images, stored.logits.astype(np.float32)
    p = (classifier.calibration or Calibration()).probabilities(stored.logits)
    of_bytes = images.dtype == np.uint8
    doubts = _doubts(bundle)
    parts = [
        f"#define HG_GOLDEN {len(images)}",
        f"#define HG_GOLDEN_TOLERANCE {source.number(TOLERANCE)}",
        f"#define hg_golden_predict {'hg_predict' if of_bytes else 'hg_predict_values'}",
        source.array("hg_golden_images", images, "uint8_t" if of_bytes else "float"),
        source.array("hg_golden_logits", logits),
        source.array("hg_golden_probabilities", p),
        source.array("hg_golden_reasons", np.array(doubts), "int"),
        "static const char *const hg_golden_names[HG_CLASSES] = {@class_names@};",
    ]
    if stored.raw is not None and classifier.preprocessing is not None:
        problems = [classifier.preprocessing.problem(raw) or "" for raw in stored.raw]
        known = [
            REASONS.index(problem) or doubt
            for problem, doubt in zip(problems, doubts, strict=False)
        ]
        _, height, width, _ = stored.raw.shape
        parts += [
            f"#define HG_GOLDEN_RAW {len(stored.raw)}",
            f"#define HG_GOLDEN_HEIGHT {height}",
            f"#define HG_GOLDEN_WIDTH {width}",
            source.array("hg_golden_raw", stored.raw, "uint8_t"),
            source.array("hg_raw_reasons", np.array(known), "int"),
        ]
    return "\n".join(parts)


def _doubts(bundle: Bundle) -> list[int]:
    """Return the index of the reason for each golden image, or -1 if rounding decides."""
    classifier, Z = bundle.classifier, bundle.golden.logits
    calibration = classifier.calibration or Calibration()
    found = classifier.doubt(bundle.golden.images, Z, pixel_range=AS_THEY_ARE)
    doubts = [REASONS.index(doubt) for doubt in found.tolist()]
    p = calibration.probabilities(Z).max(axis=1)
    close = abs(p - calibration.threshold) < _CLOSE
    if classifier.ood is not None:
        X = classifier.network.as_images(bundle.golden.images)
        scores = classifier.ood.scores(classifier.network, X, Z)
        close |= abs(scores - float(classifier.ood.threshold[0])) < _CLOSE
    return [-1 if is_close else doubt for doubt, is_close in zip(doubts, close, strict=True)]
