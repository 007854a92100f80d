import numpy as np
import pytest

import handgrad as hg
from handgrad.explain import explain_step
from handgrad.explain.step import LAST
from tests.cases import NETWORKS, Case


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("case", NETWORKS, ids=lambda case: case.name)
def test_the_steps_contain_the_values_that_the_network_computes(case: Case, training: bool) -> None:
    net, x = case.network(dtype=np.float64), case.examples()[0]
    found = explain_step(net, x, 2, training=training, seed=7)
    ctx = hg.Context(training, 7)
    loss, gradients = net.loss_and_grads(x[None], np.array([2]), ctx=ctx)
    assert found.loss == loss
    assert found.predicted == net.forward(x[None], ctx)[0].argmax()

    noted = {
        f"{step.name.split(' ')[0]}.{name[1:]}": array
        for step in found.steps
        for name, array in step.arrays.items()
        if step.phase == "backward" and name not in ("dX", "dY")
    }
    assert set(noted) == set(gradients)
    for name, gradient in gradients.items():
        np.testing.assert_array_equal(noted[name], gradient)


def test_one_output_is_the_next_input_and_back() -> None:
    net = NETWORKS[0].network()
    steps = explain_step(net, NETWORKS[0].examples(dtype=np.float32)[0], 0).steps
    assert [(step.phase, step.name) for step in steps] == [
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


def test_nested_layers_come_after_the_layer_that_contains_them() -> None:
    layers = [hg.Residual((hg.Dense(4), hg.Tanh()), (hg.Dense(4),)), hg.Dense()]
    model = hg.Classifier(hg.Network(layers, (3,), 2), ["a", "b"])
    found = explain_step(model, np.ones(3), "b")
    names = [step.name for step in found.steps]
    inside = ["0 (Residual)", "0.body.0 (Dense)", "0.body.1 (Tanh)", "0.shortcut.0 (Dense)"]
    assert names[:5] == [*inside, "1 (Dense)"]
    assert names[6:] == [
        *("1 (Dense)", "0 (Residual)", "0.body.1 (Tanh)", "0.body.0 (Dense)"),
        "0.shortcut.0 (Dense)",
    ]
    assert (found.label, len(found.terms)) == ("b", 2)


def test_the_loss_is_worked_out_class_by_class() -> None:
    net = hg.Network([hg.Flatten(), hg.Dense()], (1, 2, 2), 3, dtype=np.float64)
    found = explain_step(net, np.arange(4.0).reshape(1, 2, 2), 1)
    assert sum(entry.p for entry in found.terms) == pytest.approx(1)
    assert [entry.q for entry in found.terms] == [0, 1, 0]
    assert found.loss == pytest.approx(-np.log(found.terms[1].p), rel=1e-12)
    for entry in found.terms:
        assert entry.dz == pytest.approx(entry.p - entry.q, abs=1e-12)
    assert max(entry.shifted for entry in found.terms) == 0


def test_the_network_is_not_changed() -> None:
    net = NETWORKS[0].network()
    before, layers = net.snapshot(), net.layers
    explain_step(net, NETWORKS[0].examples()[0], 0, training=True)
    assert net.layers is layers
    for name, array in net.arrays.items():
        np.testing.assert_array_equal(array, before[name])


def test_a_label_that_is_no_class_is_refused() -> None:
    net = NETWORKS[0].network()
    with pytest.raises(hg.DataError, match="the image's class 'cat' is not one of the"):
        explain_step(net, NETWORKS[0].examples()[0], "cat")


def test_without_a_label_the_predicted_class_is_explained() -> None:
    net = NETWORKS[0].network()
    x = NETWORKS[0].examples()[0]
    assert explain_step(net, x).label == net.logits(x[None]).argmax()


def test_displays_name_every_step_and_escape_class_names() -> None:
    model = hg.Classifier(hg.Network([hg.Flatten(), hg.Dense()], (1, 2, 2), 2), ["<a>", "b"])
    found = hg.explain_step(model, np.zeros((1, 2, 2)), "<a>")
    assert repr(found).startswith("Explanation(label='<a>', predicted=")
    assert "Y = X Wᵀ + b" in str(found)
    page = found._repr_html_()
    assert "&lt;a&gt;" in page
    assert "<a>" not in page
    assert page.count("<tr>") == 1 + len(found.steps)
