"""Compiles models in C into one library, and calls it from the tests."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import handgrad as hg
from handgrad.classifier import Bundle
from handgrad.export.c import to_c
from handgrad.export.c.compiler import compile_c

GLUE = """
void hg_run(const float *X, int count, float *logits);
long hg_size(void);

static hg_workspace hg_memory;

void hg_run(const float *X, int count, float *logits) {
    static hg_answer answer;
    for (int n = 0; n < count; n++) {
        hg_predict_values(X + n * HG_INPUTS, &answer, &hg_memory);
        for (int k = 0; k < HG_CLASSES; k++) logits[n * HG_CLASSES + k] = answer.logits[k];
    }
}

long hg_size(void) {
    return (long)HG_WORKSPACE_BYTES;
}
"""
RAW_GLUE = """
int hg_run_image(const uint8_t *pixels, int height, int width, int channels, uint8_t *X,
                 hg_answer *a);

int hg_run_image(const uint8_t *pixels, int height, int width, int channels, uint8_t *X,
                 hg_answer *a) {
    const int problem = hg_prepare(pixels, height, width, channels, X, &hg_memory);
    if (problem < 0) return problem;
    return hg_predict_image(pixels, height, width, channels, a, &hg_memory) ? -2 : problem;
}
"""


class Answer(NamedTuple):
    """What C says about a raw image."""

    problem: int
    prepared: np.ndarray
    label: int
    reason: int
    logits: np.ndarray
    probabilities: np.ndarray
    score: float


def bundle_of(classifier: hg.Classifier, golden: Any = None) -> Bundle:
    """Return the content of a model file of a classifier."""
    return Bundle(classifier, {}, classifier.golden_outputs(golden), "0" * 64)


class Library:
    """Models that were compiled into one library, by name."""

    def __init__(
        self, bundles: Mapping[str, Bundle], folder: Path, options: tuple[str, ...] = ("-O1",)
    ) -> None:
        self.bundles = bundles
        text = "#define HG_IMPLEMENTATION\n"
        for name, bundle in bundles.items():
            made = to_c(bundle, name=name)
            glue = GLUE + (RAW_GLUE if bundle.classifier.preprocessing else "")
            text += f"#define {name.upper()}_IMPLEMENTATION\n{made}"
            text += glue.replace("hg_", f"{name}_").replace("HG_", f"{name.upper()}_")
        (folder / "all.c").write_text(text)
        compile_c(folder / "all.c", folder / "all.so", ("-shared", "-fPIC", *options))
        self.loaded = ctypes.CDLL(str(folder / "all.so"))

    def logits(self, name: str, X: np.ndarray) -> np.ndarray:
        """Return the logits of inputs of the first layer, (N, K)."""
        classes = self.bundles[name].classifier.network.classes
        X = np.ascontiguousarray(X, np.float32)
        out = np.empty((len(X), classes), np.float32)
        getattr(self.loaded, f"{name}_run")(_pointer(X), len(X), _pointer(out))
        return out

    def size(self, name: str) -> int:
        """Return the bytes of the workspace."""
        return getattr(self.loaded, f"{name}_size")()

    def image(self, name: str, pixels: np.ndarray) -> Answer:
        """Return the answer for a raw image (H, W) or (H, W, C)."""
        pixels = np.ascontiguousarray(pixels[:, :, None] if pixels.ndim == 2 else pixels)
        classifier = self.bundles[name].classifier
        X, K = np.empty(classifier.shape, np.uint8), classifier.network.classes
        raw = np.zeros(3 + 2 * K, np.float32)
        run = getattr(self.loaded, f"{name}_run_image")
        problem = run(_pointer(pixels), *pixels.shape, _pointer(X), _pointer(raw))
        label, reason = raw[:2].view(np.int32).tolist()
        return Answer(problem, X, label, reason, raw[2 : 2 + K], raw[2 + K : -1], float(raw[-1]))


def _pointer(array: np.ndarray) -> Any:
    return array.ctypes.data_as(ctypes.c_void_p)
