import numpy as np
import pytest

import handgrad as hg
from handgrad.explain import walk
from handgrad.explain.step import LAST
from tests.cases import NETWORKS, Case


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("case", NETWORKS, ids=lambda case: case.name)
def test_what_is_noted_is_what_the_network_computes(case: Case, training: bool) -> None:
    net, x = case.network(dtype=np.float64), case.examples()[0]
    found = walk(net, x, 2, training=training, seed=7)
    ctx = hg.Context(training, 7)
    loss, gradients = net.loss_and_grads(x[None], np.array([2]), ctx=ctx)
    assert found.loss == loss
    assert found.predicted == net.forward(x[None], ctx)[0].argmax()

    noted = {
        f"{step.name.split(' ')[0]}.{name[1:]}": array
        for step in found.steps
        for name, array in step.arrays.items()
        if step.way == "backward" and name not in ("dX", "dY")
    }
    assert set(noted) == set(gradients)
    for name, gradient in gradients.items():
        np.testing.assert_array_equal(noted[name], gradient)


def test_one_output_is_the_next_input_and_back() -> None:
    net = NETWORKS[0].network()
    steps = walk(net, NETWORKS[0].examples(dtype=np.float32)[0], 0).steps
    assert [(step.way, step.name) for step in steps] == [
        ("forward", "0 (Flatten)"),
        ("forward", "1 (Dense)"),
        ("loss", "SoftmaxCrossEntropy"),
        ("backward", "1 (Dense)"),
    ]
    first, second, loss, back = (step.arrays for step in steps)
    np.testing.assert_array_equal(first["Y"], second["X"])
    np.testing.assert_array_equal(second["Y"], loss["Z"])
    np.testing.assert_array_equal(loss["dZ"], back["dY"])
    np.testing.assert_array_equal(back["dX"], back["dY"] @ net.parameters["1.weight"])
    assert steps[1].formulas[0] == "Y = X Wᵀ + b"
    assert steps[-1].formulas[-1] == LAST


def test_layers_inside_layers_come_after_the_layer_that_holds_them() -> None:
    net = hg.Network(
        [hg.Residual((hg.Dense(4), hg.Tanh()), (hg.Dense(4),)), hg.Dense()], (3,), ["a", "b"]
    )
    found = walk(net, np.ones(3), "b")
    names = [step.name for step in found.steps]
    inside = ["0 (Residual)", "0.body.0 (Dense)", "0.body.1 (Tanh)", "0.shortcut.0 (Dense)"]
    assert names[:5] == [*inside, "1 (Dense)"]
    assert names[6:] == [
        *("1 (Dense)", "0 (Residual)", "0.body.1 (Tanh)", "0.body.0 (Dense)"),
        "0.shortcut.0 (Dense)",
    ]
    assert (found.label, len(found.classes)) == ("b", 2)


def test_the_loss_is_worked_out_class_by_class() -> None:
    net = hg.Network([hg.Flatten(), hg.Dense()], (1, 2, 2), 3, dtype=np.float64)
    found = walk(net, np.arange(4.0).reshape(1, 2, 2), 1)
    assert sum(entry.p for entry in found.classes) == pytest.approx(1)
    assert [entry.q for entry in found.classes] == [0, 1, 0]
    assert found.loss == pytest.approx(-np.log(found.classes[1].p), rel=1e-12)
    for entry in found.classes:
        assert entry.dz == pytest.approx(entry.p - entry.q, abs=1e-12)
    assert max(entry.shifted for entry in found.classes) == 0


def test_nothing_is_learned_and_the_network_keeps_its_layers() -> None:
    net = NETWORKS[0].network()
    before, layers = net.snapshot(), net.layers
    walk(net, NETWORKS[0].examples()[0], 0, training=True)
    assert net.layers is layers
    for name, array in net.arrays.items():
        np.testing.assert_array_equal(array, before[name])


def test_a_image_of_no_class_of_the_network_is_refused() -> None:
    net = NETWORKS[0].network()
    with pytest.raises(hg.DataError, match="the image shows 'cat', which is none of the"):
        walk(net, NETWORKS[0].examples()[0], "cat")
