"""Receptive fields, proofs, edits and occlusion in JavaScript, against Python."""

import math

import numpy as np
import pytest

import handgrad as hg
from handgrad.classifier import Classifier
from handgrad.layers import (
    AvgPool2d,
    Conv2d,
    Dense,
    Flatten,
    GlobalAvgPool2d,
    Layer,
    LeakyReLU,
    Normalize,
    Residual,
    Sequential,
)
from handgrad.losses import SoftmaxCrossEntropy
from handgrad.models import MODELS
from handgrad.network import Network
from handgrad.web.edits import Edit, edited
from tests.web.inside.v8 import call, load, plain

# Layers without ReLU and max pooling, so that a gradient is 0 only outside the receptive field.
CHAINS: dict[str, list[Layer]] = {
    "stride": [Conv2d(2, 3, stride=2, padding=1), Conv2d(2, (3, 2)), LeakyReLU()],
    "pooling": [Normalize(), Conv2d(2, 5, padding=2), AvgPool2d(2), Conv2d(3, 3, padding=1)],
    "overlap": [AvgPool2d(3, 2, 1), Conv2d(2, (1, 3), padding=(0, 1)), AvgPool2d((2, 1))],
    "residual": [
        Conv2d(2, 3),
        Residual([Conv2d(2, 3, padding=1), LeakyReLU(), Conv2d(2, 3, padding=1)]),
        Sequential([Conv2d(2, 2), LeakyReLU()]),
    ],
    "gap": [Conv2d(2, 2, stride=3), Conv2d(1, 2)],
    "projection": [Residual([Conv2d(2, 5, padding=2)], [Conv2d(2, 1)]), AvgPool2d(2)],
}
HEADS: dict[str, list[Layer]] = {"flat": [Flatten(), Dense()], "mean": [GlobalAvgPool2d(), Dense()]}


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("chain", CHAINS)
def test_a_receptive_field_is_where_the_gradient_is_not_zero(chain: str, head: str) -> None:
    net = Network([*CHAINS[chain], *HEADS[head]], (2, 13, 11), 4, dtype=np.float64)
    rng = np.random.default_rng(0)
    for name, array in net.arrays.items():
        array[...] = 1 if name.endswith("std") else rng.uniform(0.1, 1, array.shape)
    image = rng.uniform(0.1, 0.3, (2, 13, 11))
    load(net)
    paths = call("trace", image=plain(image), label=0)
    steps = {step.path: step for step in net.walk(image[np.newaxis], inner=True)}
    assert sorted(steps) == sorted(paths)
    for path, step in steps.items():
        if "." in path:
            continue  # the loop below runs the outer layers only
        size = step.Y.size
        for index in {0, size - 1, *rng.integers(0, size, 4).tolist()}:
            dY = np.zeros(size)
            dY[index] = 1
            dX = dY.reshape(step.Y.shape)
            for at in range(int(path), -1, -1):
                layer = net.layers[at]
                dX, _ = layer.backward(net.params[str(at)], steps[str(at)].cache, dX)
            found = call("field", path=path, index=index)["input"]
            used = np.argwhere(dX[0] != 0)
            assert found == list(map(list, zip(used.min(0), used.max(0), strict=True))), path


def test_a_proof_agrees_with_the_gradient_and_notices_kinks() -> None:
    net = Network(MODELS["convnet"](), (1, 28, 28), 10, seed=1)
    image = np.random.default_rng(0).integers(0, 256, (28, 28), np.uint8)[np.newaxis]
    load(net)
    call("trace", image=plain(image / np.float32(255)), label=3)
    rng, double = np.random.default_rng(2), Network(net.layers, net.shape, 10, dtype=np.float64)
    for name in net.arrays:
        double.arrays[name][...] = net.arrays[name]
    Z, cache = double.forward(image[np.newaxis])
    loss, dlogits = SoftmaxCrossEntropy()(Z, np.array([3]))
    gradients, checked = double.backward(cache, dlogits), 0
    for name, gradient in gradients.items():
        for index in rng.integers(0, gradient.size, 6).tolist():
            found = call("prove", array=name, index=index, h=None)
            assert found["difference"] < 1e-4, found
            assert found["kinks"] == 0
            assert found["gradient"] == pytest.approx(gradient.flat[index], rel=1e-5, abs=1e-9)
            assert (found["plus"] + found["minus"]) / 2 == pytest.approx(loss, rel=1e-5)
            checked += found["gradient"] != 0
    assert checked > 20
    large = call("prove", array="0.bias", index=0, h=1e-2)
    assert large["h"] == 1e-2
    assert large["kinks"] > 0


@pytest.mark.parametrize(
    ("logits", "expected"),
    [
        ([0.0, 0.0], math.log(2)),
        ([40.0, 0.0, -1.0], math.log1p(math.exp(-40) + math.exp(-41))),
        ([-800.0, 0.0], 800.0),
        ([3.0, 4.0], 1 + math.log1p(math.exp(-1))),
    ],
)
def test_the_loss_keeps_its_digits(logits: list[float], expected: float) -> None:
    assert call("exact_loss", logits=logits, label=0) == pytest.approx(expected, rel=1e-14)


EDITS = {
    "none": [],
    "weight": [Edit(kind="weight", array="0.weight", index=7, value=0.1)],
    "bias": [Edit(kind="weight", array="8.bias", index=3, value=-2.5e-3)],
    "channel": [Edit(kind="off", array="3", index=4)],
    "neuron": [Edit(kind="off", array="8", index=49)],
    "prune all": [Edit(kind="prune", value=37.5)],
    "prune one": [Edit(kind="prune", array="11.weight", value=80)],
    "prune everything": [Edit(kind="prune", value=100)],
    "prune equal weights": [
        *(Edit(kind="weight", array="0.weight", index=i, value=(-1) ** i * 0.01) for i in range(9)),
        Edit(kind="prune", array="0.weight", value=5),
    ],
    "several": [
        Edit(kind="prune", value=20),
        Edit(kind="weight", array="0.weight", index=249, value=1.7),
        Edit(kind="off", array="0", index=0),
        Edit(kind="temperature", value=2.5),
    ],
}


@pytest.mark.parametrize("name", EDITS)
def test_edits_change_the_same_numbers_in_javascript_and_python(name: str) -> None:
    images = np.random.default_rng(0).integers(0, 256, (3, 1, 28, 28), np.uint8)
    model = Classifier(Network(MODELS["convnet"](), (1, 28, 28), 10, seed=4), range(10))
    before = {key: array.copy() for key, array in model.network.arrays.items()}
    load(model.network)
    edits = [edit.model_dump() for edit in EDITS[name]]
    found = call("edited", edits=edits, images=plain(images / np.float32(255)))
    new = edited(model, EDITS[name])
    for key, array in new.network.arrays.items():
        np.testing.assert_array_equal(np.array(found["arrays"][key]), array.ravel(), key)
        np.testing.assert_array_equal(before[key], model.network.arrays[key])
    Z = new.logits(images, pixel_range="raw")
    np.testing.assert_allclose(
        np.reshape(found["logits"], Z.shape), Z, rtol=0, atol=1e-5 * (np.abs(Z).max() + 1e-6)
    )
    assert found["again"] == edits, "an address keeps the edits"


WRONG = [
    {"kind": "weight", "array": "1.weight", "index": 50, "value": 1.0},
    {"kind": "weight", "array": "9.weight", "index": 0, "value": 1.0},
    {"kind": "weight", "array": "0.mean", "index": 0, "value": 1.0},
    {"kind": "off", "array": "1", "index": 2},
    {"kind": "off", "array": "2", "index": 0},
    {"kind": "off", "array": "", "index": 0},
    {"kind": "prune", "array": "1.bias", "value": 10.0},
]


@pytest.mark.parametrize("edit", WRONG, ids=str)
def test_an_edit_that_does_not_fit_is_refused(edit: dict[str, object]) -> None:
    net = Network([*CHAINS["pooling"], *HEADS["flat"]], (1, 28, 28), 10)
    model = Classifier(net, range(10))
    load(model.network)
    with pytest.raises(hg.ModelError, match="the network has no"):
        edited(model, [Edit.model_validate(edit)])
    full = {"array": None, "index": None, "value": None} | edit
    with pytest.raises(RuntimeError, match="an edit does not fit"):
        call("edited", edits=[full], images=plain(np.zeros((1, 1, 28, 28))))


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        ({"kind": "weight", "array": "0.weight", "index": 0}, "needs value"),
        ({"kind": "off", "array": "0", "index": 0, "value": 1}, "does not take value"),
        ({"kind": "prune", "value": 101}, "from 0 to 100"),
        ({"kind": "weight", "array": "a", "index": 0, "value": 2e4}, "from -10000 to 10000"),
        ({"kind": "temperature", "value": 0}, "from 0.01 to 100"),
        ({"kind": "temperature", "value": 1, "index": 0}, "does not take index"),
        ({"kind": "weight", "array": "a", "index": -1, "value": 1}, "greater than or equal"),
        ({"kind": "weight", "array": "a", "index": 0, "value": math.nan}, "finite"),
    ],
)
def test_an_edit_has_exactly_its_fields(edit: dict[str, object], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Edit.model_validate(edit)


def test_an_occlusion_map_has_the_probabilities_of_python() -> None:
    model = Classifier(Network(MODELS["convnet"](), (1, 28, 28), 10, seed=2), range(10))
    image = np.random.default_rng(0).integers(0, 256, (1, 28, 28), np.uint8)
    load(model.network)
    rows = call("occlusion", image=plain(image / np.float32(255)), k=4, temperature=1)
    median = np.sort(image.ravel())[28 * 28 // 2]
    hidden = np.repeat(image[np.newaxis], 14 * 14, axis=0)
    for n in range(14 * 14):
        top, left = 2 * (n // 14) - 3, 2 * (n % 14) - 3
        rows_hidden, columns_hidden = slice(max(0, top), top + 6), slice(max(0, left), left + 6)
        hidden[n, :, rows_hidden, columns_hidden] = median
    expected = model.predict_proba(hidden, pixel_range="raw")[:, 4]
    np.testing.assert_allclose(np.ravel(rows), expected, atol=1e-5)
