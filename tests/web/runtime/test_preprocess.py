"""Preprocessing in JavaScript gives Python's bytes after each step, and finds the same problems."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from handgrad.errors import ModelError
from handgrad.preprocess import (
    CenterByMass,
    CompositeAlpha,
    CropToInk,
    Grayscale,
    Preprocessing,
    Upscale,
    drawing,
    inverted,
    light,
    plain,
)
from handgrad.preprocess.ink import otsu_threshold
from handgrad.preprocess.preprocessing import KINDS
from handgrad.preprocess.resize import resize_weights
from tests.preprocess.drawings import seven
from tests.preprocess.test_problems import BLANK, EMPTY, around
from tests.preprocess.write_golden_steps import FILE
from tests.web.runtime import images
from tests.web.runtime.prepared import as_image, difference, prepare, runtime, with_fault
from tests.web.runtime.v8 import JavaScriptError

GOLDEN = json.loads(FILE.read_text())
PRESETS = {
    "drawing": drawing(28),
    "drawing, small": drawing(9),
    "drawing, large box": drawing(40, 33),
    "light": light((1, 28, 28)),
    "plain, grey": plain((1, 20, 28)),
    "plain, colour, stretched": plain((3, 32, 32), keep_aspect=False),
    "plain, colour, black": plain((3, 7, 11), background="black"),
    "plain, inverted, white": inverted(plain((1, 9, 9), background="white")),
    "plain, dark ink": replace(plain((1, 28, 28)), ink="dark"),
    "plain, light ink": replace(plain((3, 8, 8)), ink="light"),
}
# Images that need every branch of the steps and of the problems.
HARD = {
    **{f"blank, {name}": X for name, X in BLANK.items()},
    **{f"empty, {name}": X for name, X in EMPTY.items()},
    "fold": around((140, 0, 144, 300)),
    **{
        f"{kind} {k}": images.image(kind, (97 + 21 * k, 160 - 17 * k), 4 - k, alpha, rng)
        for kind in images.KINDS
        for k, alpha in enumerate(("sheet", "opaque", "ink", "noise"))
        for rng in [np.random.default_rng(k)]
    },
    "thin": np.full((1, 50), 200, np.uint8),
    "tiny": np.array([[0, 9], [255, 30]], np.uint8),
}


@pytest.mark.parametrize("name", GOLDEN)
def test_golden_cases(name):
    case = GOLDEN[name]
    found = prepare(
        Preprocessing.from_json(case["preprocessing"]), np.array(case["image"], np.uint8)
    )
    assert found.result == np.array(case["result"], np.uint8).tobytes()


@pytest.mark.parametrize("name", PRESETS)
@settings(max_examples=12, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(X=images.images())
def test_each_step_gives_the_bytes_of_python(name, X):
    assert difference(PRESETS[name], X) == ""


@pytest.mark.slow
@pytest.mark.parametrize("name", PRESETS)
@settings(max_examples=500, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(X=images.images())
def test_each_step_gives_the_bytes_of_python_for_many_images(name, X):
    assert difference(PRESETS[name], X) == ""


@pytest.mark.parametrize("name", HARD)
def test_problems_and_steps_of_hard_images(name):
    assert difference(drawing(28), HARD[name]) == ""


@settings(max_examples=60)
@given(n=st.integers(1, 300), m=st.integers(1, 300), cubic=st.booleans())
def test_resize_weights(n, m, cubic):
    assert np.array_equal(weights(n, m, cubic), resize_weights(n, m, cubic))


def test_resize_weights_of_the_largest_side():
    for n, m, cubic in ((3, 4096, True), (17, 4095, True), (4096, 19, False), (5, 4096, False)):
        assert np.array_equal(weights(n, m, cubic), resize_weights(n, m, cubic))


def weights(n: int, m: int, cubic: bool) -> np.ndarray:
    """Return the matrix of a filter in JavaScript, (m, n)."""
    found = np.zeros((m, n), np.int64)
    for row, at in zip(found, runtime().call("weights", size=n, count=m, cubic=cubic), strict=True):
        row[at["start"] : at["start"] + len(at["weights"])] = at["weights"]
    return found


def test_the_threshold_of_a_large_image_is_exact():
    """The products in Otsu's threshold are above 2^53, which a float64 cannot hold exactly."""
    rng = np.random.default_rng(0)
    for _ in range(5):
        counts = rng.integers(0, 1 << 17, 256)
        X = np.repeat(np.arange(256, dtype=np.uint8), counts)[:, None, None]
        assert X.size * int(X.sum(dtype=np.int64)) > 1 << 53
        assert runtime().call("threshold", counts=counts) == otsu_threshold(X)


def test_steps_for_several_channels():
    steps = (CompositeAlpha(), CropToInk(), CenterByMass(20))
    preprocessing = Preprocessing((3, 20, 20), (*steps[:1], *plain((3, 9, 9)).steps, *steps[1:]))
    for name in ("drawing 0", "drawing 2", "blocks 1"):
        assert difference(preprocessing, HARD[name]) == ""


def test_a_large_drawing_is_downscaled():
    X = seven(size=(1000, 150), at=(400, 20), width=30)
    assert difference(drawing(28), X) == ""


REFUSED = {
    "version 1": (drawing(28).to_json() | {"version": 1}, "handgrad upgrade"),
    "no version": ({"shape": [1, 9, 9], "steps": []}, "handgrad upgrade"),
    "newer": (drawing(28).to_json() | {"version": 3}, "install a newer handgrad"),
    "no steps": ({"shape": [1, 9, 9], "version": 2}, "must be a list"),
    "another entry": (
        drawing(28).to_json() | {"size": 3},
        "otherwise only version, ink and for_arrays",
    ),
    "no object": (3, "must contain shape and steps"),
    "shape": (drawing(28).to_json() | {"shape": [2, 28, 28]}, r"must be \(1 or 3, H, W\)"),
    "other shape": (drawing(28).to_json() | {"shape": [1, 27, 28]}, r"not \(1, 27, 28\)"),
    "ink": (drawing(28).to_json() | {"ink": "red"}, "is dark or light, not"),
    "too many": ({"shape": [1, 9, 9], "steps": [{}] * 33, "version": 2}, "at most 32"),
    "kind": ({"shape": [1, 9, 9], "steps": [{"kind": "toString"}], "version": 2}, "not a step"),
    "nothing": ({"shape": [1, 9, 9], "steps": [None], "version": 2}, "not a step"),
}
STEPS = {
    "side": {"kind": "ScaleToFit", "side": 0},
    "text": {"kind": "ScaleToFit", "side": "9"},
    "missing": {"kind": "Upscale", "side": 9},
    "unknown": {"kind": "Grayscale", "side": 9},
    "background": {"kind": "CompositeAlpha", "background": "red"},
    "speck": {"kind": "Binarize", "min_side": 9, "speck": 4096},
    "large": {"kind": "Resize", "height": 4097, "width": 9},
    "aspect": {"kind": "Resize", "height": 9, "width": 9, "keep_aspect": 1},
    "sheet": {"kind": "InvertDarkInk", "sheet": None},
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_computed_is_refused(name):
    described, words = REFUSED[name]
    with pytest.raises(JavaScriptError, match=words) as error:
        runtime().call("describe", described=described)
    assert error.value.kind == "ModelError"


@pytest.mark.parametrize("name", STEPS)
def test_a_step_with_an_invalid_setting_is_refused_as_in_python(name):
    described = {"shape": [1, 9, 9], "steps": [STEPS[name]], "version": 2}
    with pytest.raises(ModelError):
        Preprocessing.from_json(described)
    with pytest.raises(JavaScriptError) as error:
        runtime().call("describe", described=described)
    assert error.value.kind == "ModelError"


def test_an_image_of_another_size_than_its_data_is_refused():
    for change in ({"height": 8}, {"height": 0}, {"channels": 5}):
        image = as_image(np.zeros((9, 9), np.uint8)) | change
        with pytest.raises(JavaScriptError, match="an image") as error:
            runtime().call("prepare", described=light((1, 9, 9)).to_json(), image=image)
        assert error.value.kind == "DataError"


def test_javascript_has_every_step():
    assert set(runtime().call("kinds")) == set(KINDS)


# One error in each module: what is replaced, by what, and the image that shows it.
FAULTS = {
    "pixels.js": ("(100 * below < percent", "(100 * below <= percent", "tiny"),
    "step.js": ("Object.assign(this, fields, settings)", "Object.assign(this, fields)", "tiny"),
    "steps.js": ("(sum + 127) / 255", "sum / 255", "blank 2"),
    "resize.js": ("sums.fill(ONE / 2)", "sums.fill(0)", "tiny"),
    "background.js": ("3 * (middle - low)", "2 * (middle - low)", "tiny"),
    "ink.js": ("Math.floor(sum / (2 * total))", "Math.round(sum / (2 * total))", "photograph 3"),
    "lines.js": ("[dark_edges, frames,", "[frames, dark_edges,", "noise 2"),
    "components.js": ("let i = Math.max(y - 1, 0)", "let i = y", "noise 3"),
    "problems.js": ("return is_high || (20", "return (20", "fold"),
    "preprocessing.js": ("bytes[c * N + k]", "bytes[N - 1 - k]", "tiny"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_found(name, tmp_path):
    right, wrong, shown = FAULTS[name]
    js = with_fault(tmp_path, f"preprocess/{name}", right, wrong)
    assert any(is_wrong(PRESETS[preset], HARD[shown], js) for preset in ("drawing", "plain, grey"))


def is_wrong(preset, X, js) -> bool:
    """Return whether a runtime disagrees with Python about an image, or refuses it."""
    try:
        return difference(preset, X, js) != ""
    except JavaScriptError:
        return True


def test_upscale_interpolates_with_cubic_polynomials():
    steps = (Grayscale(), Upscale(14, 31), CenterByMass(31))
    X = np.array([[0, 200, 255], [90, 255, 30]], np.uint8)
    assert difference(Preprocessing((1, 31, 31), steps), X) == ""
