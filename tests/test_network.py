from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from handgrad.errors import DataError, ModelError
from handgrad.init import HeNormal
from handgrad.layers import (
    Array,
    BatchNorm,
    Context,
    Conv2d,
    Dense,
    Dropout,
    Flatten,
    Normalize,
    ReLU,
    Residual,
    Sequential,
)
from handgrad.losses import SoftmaxCrossEntropy
from handgrad.network import Network
from handgrad.params import flatten
from tests.cases import CASES, CLASSES, Case
from tests.extras import needs
from tests.gradients import errors

each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


def small(**options) -> Network:
    layers = [Flatten(), Dense(8), ReLU(), Dropout(0.5), Dense()]
    return Network(layers, (1, 4, 5), 3, **options)


def images(count: int = 6, seed: int = 0) -> Array:
    return np.random.default_rng(seed).integers(0, 256, (count, 1, 4, 5), np.uint8)


@each_case
def test_loss_and_gradients_equal_autograds(case: Case) -> None:
    """handgrad's backward pass does not compute the gradient of the images."""
    torch = needs("torch")
    from handgrad.gradient_check.autograd import module_at
    from handgrad.gradient_check.target import Point

    net, X, y = case.network(dtype=np.float64), case.examples(), case.labels()
    ctx = Context(training=True, seed=1, step=2)
    loss, gradients = net.loss_and_grads(X, y, ctx=ctx)

    module = module_at(Sequential(net.layers), Point(net.params, X, ctx, X))
    logits = module(torch.tensor(X))
    theirs = torch.nn.functional.cross_entropy(logits, torch.tensor(y))
    theirs.backward()
    assert loss == pytest.approx(theirs.item(), rel=1e-13)
    found = {name: W.grad.numpy() for name, W in module.named_parameters() if W.grad is not None}
    assert max(errors(gradients, found).values()) <= 1e-13


@each_case
def test_loss_and_gradients_are_a_pure_function(case: Case) -> None:
    net, X, y = case.network(), case.examples(), case.labels()
    before = net.snapshot()
    loss, gradients = net.loss_and_grads(X, y)
    again, gradients_again = net.loss_and_grads(X, y)
    assert loss == again
    assert list(gradients) or not net.parameters
    assert set(gradients) == set(net.parameters)
    for name, gradient in gradients.items():
        assert gradient.dtype == np.float32
        np.testing.assert_array_equal(gradient, gradients_again[name])
    for name, array in before.items():
        np.testing.assert_array_equal(net.arrays[name], array)


@each_case
def test_one_image_alone_is_predicted_as_within_256_others(case: Case) -> None:
    net, X = case.network(), case.examples(count=257, dtype=np.float32)
    together, alone = (
        net.logits(X),
        np.concatenate([net.logits(X[i : i + 1]) for i in (0, 99, 256)]),
    )
    np.testing.assert_allclose(
        alone, together[[0, 99, 256]], rtol=1e-6, atol=1e-6 * abs(together).max()
    )


def test_names_and_layouts_are_those_of_torchs_state_dict() -> None:
    """PyTorch loads handgrad's arrays with `strict=True` and gives the same outputs."""
    torch = needs("torch")
    nn = torch.nn
    layers = [Conv2d(4, (3, 2)), BatchNorm(), ReLU(), Flatten(), Dense(7), BatchNorm(), Dense()]
    net = Network(layers, (2, 6, 5), 3, dtype=np.float64)
    net.update_buffers(
        net.forward(np.random.default_rng(0).normal(3, 2, (9, 2, 6, 5)), Context(True))[1]
    )
    twin = nn.Sequential(
        *(nn.Conv2d(2, 4, (3, 2)), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten()),
        *(nn.Linear(64, 7), nn.BatchNorm1d(7), nn.Linear(7, 3)),
    ).double()
    names = {name for name in twin.state_dict() if not name.endswith("num_batches_tracked")}
    assert set(net.arrays) == names  # what torch counts besides, it fills in by itself

    twin.load_state_dict({name: torch.tensor(a) for name, a in net.arrays.items()}, strict=True)
    X = np.random.default_rng(1).normal(size=(5, 2, 6, 5))
    theirs = twin.eval()(torch.tensor(X)).detach().numpy()
    np.testing.assert_allclose(net.logits(X), theirs, rtol=1e-13)


def test_parameters_and_state_are_distinguished() -> None:
    net = Network([Normalize(), Flatten(), Dense(4), BatchNorm(), Dense()], (2, 3, 3), 3)
    assert list(net.parameters) == [
        *("2.weight", "2.bias", "3.weight", "3.bias", "4.weight", "4.bias")
    ]
    assert list(net.buffers) == ["0.mean", "0.std", "3.running_mean", "3.running_var"]
    assert all(array.dtype == np.float32 for array in net.arrays.values())


def test_the_same_seed_gives_the_same_weights() -> None:
    first, second, other = small(seed=1), small(seed=1), small(seed=2)
    np.testing.assert_array_equal(first.arrays["1.weight"], second.arrays["1.weight"])
    assert (first.arrays["1.weight"] != other.arrays["1.weight"]).any()
    in64 = small(seed=1, dtype=np.float64).arrays["1.weight"]
    np.testing.assert_array_equal(first.arrays["1.weight"], in64.astype(np.float32))


def test_bytes_count_as_0_to_1() -> None:
    net, X = small(dtype=np.float64), images()
    np.testing.assert_allclose(net.logits(X), net.logits(X / 255), rtol=1e-14)


@pytest.mark.parametrize("dtype", [np.uint8, np.float16, np.float32, np.float64])
def test_images_may_be_read_only_and_in_any_memory_layout(dtype: type) -> None:
    net, X = small(), images().astype(dtype)
    if dtype is not np.uint8:
        X /= 255
    plain = net.logits(X.copy())
    turned = np.asfortranarray(X)
    spread = np.repeat(X, 2, axis=3)[..., ::2]
    for awkward in (turned, spread):
        assert not awkward.flags.c_contiguous
        awkward.setflags(write=False)
        before = awkward.copy()
        np.testing.assert_allclose(net.logits(awkward), plain, rtol=1e-6)
        net.loss_and_grads(awkward, np.zeros(6, int))
        np.testing.assert_array_equal(awkward, before)
        assert net.logits(awkward).dtype == np.float32


def test_only_a_last_dense_may_leave_its_units_open() -> None:
    assert small().layers[-1].units == 3
    sentence = (
        r"layer 1 \(Dense\), given \(20,\): units is not set; only the last Dense of a network"
    )
    with pytest.raises(ModelError, match=sentence):
        Network([Flatten(), Dense(), ReLU(), Dense()], (1, 4, 5), 3)


def test_snapshot_and_restore() -> None:
    net, X = small(), images()
    before, arrays = net.logits(X), net.snapshot()
    for array in net.arrays.values():
        array += 1
    assert (net.logits(X) != before).any()
    net.restore(arrays)
    np.testing.assert_array_equal(net.logits(X), before)
    net.arrays["1.bias"][...] = 7
    assert (arrays["1.bias"] == 0).all()  # a copy


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            lambda arrays: arrays.pop("4.bias"),
            "array 4.bias is missing; are the arrays from another archi",
        ),
        (lambda arrays: arrays.update(extra=np.ones(1)), "array extra is not in this network"),
        (
            lambda arrays: arrays.update({"4.bias": np.ones(4)}),
            r"array 4.bias has shape \(4,\), but must be \(3,\)",
        ),
    ],
)
def test_arrays_of_another_network_are_refused_and_none_is_set(change, sentence: str) -> None:
    net = small()
    before, arrays = net.snapshot(), {k: a + 1 for k, a in net.snapshot().items()}
    change(arrays)
    with pytest.raises(ModelError, match=sentence):
        net.restore(arrays)
    for name, array in before.items():
        np.testing.assert_array_equal(net.arrays[name], array)


@pytest.mark.parametrize(
    ("X", "sentence"),
    [
        (np.zeros((2, 5, 4)), r"takes images \(N, 1, 4, 5\), not an array of shape \(2, 1, 5, 4\)"),
        (np.zeros((4, 5)), r"takes images \(N, 1, 4, 5\), not an array of shape \(4, 5\)"),
        (
            np.zeros((2, 3, 4, 5)),
            r"takes images \(N, 1, 4, 5\), not an array of shape \(2, 3, 4, 5\)",
        ),
        (np.zeros((2, 1, 4, 5), int), "must be uint8 .* or floating point, not int64"),
        (np.zeros((2, 1, 4, 5), bool), "must be uint8 .* or floating point, not bool"),
        (np.zeros((2, 1, 4, 5), complex), "must be uint8 .* or floating point, not complex128"),
        (np.full((2, 1, 4, 5), np.nan), "an image contains NaN or infinity"),
        (np.full((2, 1, 4, 5), np.inf, np.float32), "an image contains NaN or infinity"),
    ],
)
def test_images_that_cannot_be_predicted(X: Array, sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        small().logits(X)


@pytest.mark.parametrize(
    ("layers", "classes", "sentence"),
    [
        (
            [Flatten(), Dense(9)],
            3,
            r"ends in \(9,\), but needs one logit for each of the 3 classes",
        ),
        ([Conv2d(3, 3)], 3, r"ends in \(3, 2, 3\), but needs one logit .* end it with Dense\(\)"),
        ([Dense()], 3, r"layer 0 \(Dense\), given \(1, 4, 5\): takes flat input"),
        ([ReLU(), Conv2d(3, 5)], 3, r"layer 1 \(Conv2d\), given \(1, 4, 5\): its 5x5 window does"),
        (
            [ReLU(), Residual((ReLU(), Conv2d(1, 9)))],
            3,
            r"layer 1 \(Residual\), given \(1, 4, 5\): layer 1 \(Conv2d\), given \(1, 4, 5\): its",
        ),
        ([], 3, "a network needs at least one layer"),
        ([Flatten(), Dense()], 1, "a classifier needs at least 2 classes, not 1"),
    ],
)
def test_networks_that_cannot_be(layers: list, classes, sentence: str) -> None:
    with pytest.raises(ModelError, match=sentence):
        Network(layers, (1, 4, 5), classes)


def test_labels_beyond_the_classes_are_refused() -> None:
    with pytest.raises(DataError, match="labels must be 0 to 2 for 3 logits, found 3"):
        small().loss_and_grads(images(2), np.array([0, 3]))


def test_the_loss_and_the_weights_can_be_chosen() -> None:
    net, X, y = small(dtype=np.float64), images(4), np.array([0, 1, 2, 0])
    plain = net.loss_and_grads(X, y, ctx=Context())
    smooth, _ = net.loss_and_grads(X, y, ctx=Context(), loss=SoftmaxCrossEntropy(0.2))
    weighted, _ = net.loss_and_grads(X, y, ctx=Context(), weights=np.array([1.0, 0, 0, 0]))
    assert smooth != plain[0]
    assert weighted == pytest.approx(net.loss_and_grads(X[:1], y[:1], ctx=Context())[0], rel=1e-14)


def test_normalize_gets_the_statistics_of_its_input() -> None:
    X = np.random.default_rng(0).integers(0, 256, (2100, 2, 3, 3), np.uint8)
    net = Network([Normalize(), Flatten(), Dense()], (2, 3, 3), 3, dtype=np.float64)
    assert not net.is_fitted
    net.fit_statistics(X)
    assert net.is_fitted
    np.testing.assert_allclose(net.buffers["0.mean"], X.mean(axis=(0, 2, 3)) / 255, rtol=1e-12)
    np.testing.assert_allclose(net.buffers["0.std"], X.std(axis=(0, 2, 3)) / 255, rtol=1e-10)

    late = Network([Flatten(), Dense(4), Normalize(), Dense()], (2, 3, 3), 3, dtype=np.float64)
    late.fit_statistics(X)
    reaching = Sequential(late.layers[:2]).forward(late.params, late.as_input(X), Context())[0]
    np.testing.assert_allclose(late.buffers["2.mean"], reaching.mean(), rtol=1e-10)
    np.testing.assert_allclose(late.buffers["2.std"], reaching.std(), rtol=1e-10)


def test_every_case_ends_in_its_classes() -> None:
    for case in CASES:
        assert case.network().logits(case.examples()).shape == (case.batch, CLASSES)


def test_a_normalize_inside_a_layer_needs_its_mean_and_std() -> None:
    inside = Residual((Sequential((Normalize(),)),))
    with pytest.raises(
        ModelError, match=r"the Normalize inside Sequential has no mean and std; set both"
    ):
        Network([inside, Flatten(), Dense()], (1, 2, 2), 2)
    given = Residual((Normalize(0.5, 0.5),))
    assert Network([given, Flatten(), Dense()], (1, 2, 2), 2).buffers["0.body.0.std"] == 0.5


def test_grey_images_need_no_channel_axis() -> None:
    net = Network([Flatten(), Dense()], (1, 2, 3), 2)
    X = np.random.default_rng(0).random((4, 2, 3), np.float32)
    assert np.array_equal(net.logits(X), net.logits(X[:, None]))


def built(**changes: Any) -> Network:
    """Return a network of one layer with the given arguments."""
    settings: dict[str, Any] = {"layers": [Flatten(), Dense()], "shape": (1, 2, 2)}
    return Network(**(settings | {"classes": 2} | changes))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"layers": [Flatten, Dense()]},
            r"Flatten is a class, not a layer; write Flatten\(\)",
        ),
        ({"layers": [Residual((ReLU,))]}, r"ReLU is a class, not a layer; write ReLU\(\)"),
        ({"layers": [5]}, "5 is not a layer: it has no init, forward or backward method"),
        ({"layers": [HeNormal()]}, "is not a layer: it has no init, forward or backward method"),
        ({"layers": []}, "a network needs at least one layer"),
        (
            {"shape": (1, 0, 2)},
            r"shape must contain integers of at least 1, such as .*, not \(1, 0, 2\)",
        ),
        ({"shape": 4}, "shape must contain integers of at least 1"),
        ({"shape": "abc"}, "shape must contain integers of at least 1"),
        ({"dtype": int}, "dtype must be float32 or float64"),
        ({"dtype": "float13"}, "dtype must be float32 or float64, not 'float13'"),
        ({"classes": 1}, "a classifier needs at least 2 classes, not 1"),
        ({"classes": 10**18}, "classes must be at most 100,000, not 1,000,000,000,000,000,000"),
        ({"classes": None}, "classes must be an integer of at least 2, not None"),
        ({"classes": True}, "classes must be an integer of at least 2, not True"),
        ({"classes": ["a", "b"]}, r"is a number, .* hg.Classifier\(network, names\)"),
        ({"classes": "ab"}, "is a number, such as classes=10; a Classifier has class names"),
    ],
)
def test_wrong_arguments_are_refused(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ModelError, match=sentence):
        built(**changes)


def test_a_wrong_initializer_is_refused() -> None:
    layer = Dense(3)
    object.__setattr__(layer, "initializer", "he")
    with pytest.raises(
        ModelError, match=r"initializer of Dense must be an initializer, such as HeNormal\(\)"
    ):
        built(layers=[Flatten(), layer, Dense()])


def test_numbers_of_numpy_are_accepted() -> None:
    net = built(shape=np.array([1, 4, 4]), classes=np.int64(2), dtype=np.float64)
    assert net.shape == (1, 4, 4)
    assert (net.classes, type(net.classes)) == (2, int)


def test_a_list_of_layers_inside_a_layer_is_accepted() -> None:
    net = built(layers=[Residual([ReLU()]), Sequential([Flatten()]), Dense()])
    assert net.layers[0] == Residual((ReLU(),))


@each_case
def test_the_walk_yields_the_results_of_forward_and_backward(case: Case) -> None:
    net, X, y = case.network(), case.examples(), case.labels()
    ctx = Context(True, 3, 1)
    logits, cache = net.forward(X, ctx)
    dlogits = SoftmaxCrossEntropy()(logits, y)[1]
    forward = list(net.walk(X, ctx))
    assert [step.layer for step in forward] == list(net.layers)
    np.testing.assert_array_equal(forward[-1].Y, logits)
    for step, after in itertools.pairwise(forward):
        assert step.Y is after.X
    whole = list(net.walk_back(cache, dlogits, to_input=True))
    assert [step.layer for step in whole] == list(reversed(net.layers))
    gradients = net.backward(cache, dlogits)
    found = flatten({step.path: step.gradients for step in whole})
    assert set(gradients) <= set(found)
    for name, gradient in gradients.items():
        np.testing.assert_array_equal(gradient, found[name])


def test_the_inner_walk_yields_the_layers_inside_a_layer() -> None:
    inside = Residual((Dense(4), Sequential((ReLU(),))), (Dense(4),))
    net = Network([Flatten(), inside, Dense()], (1, 2, 2), 3)
    X = images(3)[:, :, :2, :2]
    forward = list(net.walk(X, inner=True))
    outer, body, _, relu, shortcut = forward[1:6]
    paths = ["1", "1.body.0", "1.body.1", "1.body.1.0", "1.shortcut.0"]
    assert [step.path for step in forward[1:6]] == paths
    np.testing.assert_array_equal(relu.Y + shortcut.Y, outer.Y)
    assert body.name == "1.body.0 (Dense)"
    _, cache = net.forward(X)
    dlogits = np.ones((3, 3), np.float32)
    back = list(net.walk_back(cache, dlogits, to_input=True, inner=True))
    assert [step.path for step in back[1:6]] == [paths[0], paths[2], paths[3], paths[1], paths[4]]
    np.testing.assert_array_equal(back[4].dX + back[5].dX, back[1].dX)


def test_a_copy_has_its_own_arrays() -> None:
    net = small()
    net.fit_statistics(images())
    copy = net.copy()
    assert copy.is_fitted
    copy.arrays["1.bias"] += 1
    assert (net.arrays["1.bias"] == 0).all()


def test_the_displays_show_sizes_and_layers() -> None:
    net = small()
    assert repr(net) == "Network(1x4x5 -> 3 classes, 5 layers, 195 parameters)"
    assert net._repr_html_().count("<tr>") == 7
