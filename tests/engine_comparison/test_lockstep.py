"""The comparison finds no difference between equal engines, and reports a planted one."""

import json
import os
import sys

import numpy as np
import pytest

import handgrad as hg
from handgrad import plots
from handgrad.engine_comparison import KINDS, TOLERANCES, Difference, Divergence, compare_engines
from handgrad.engines import ReferenceEngine
from handgrad.errors import ConfigError, DataError, MissingExtraError
from tests.engine_comparison.engines import FEW, Opaque, faulty, network, test
from tests.extras import needs
from tests.plots.figure_checks import assert_nothing_cut_or_overlapping


@pytest.mark.parametrize("dtype", TOLERANCES)
def test_torch_equals_the_reference(dtype):
    needs("torch")
    seen = []
    found = compare_engines(
        network(dtype),
        FEW,
        test,
        engines=("reference", "torch:cpu"),
        steps=30,
        batch_size=32,
        on_step=seen.append,
    )
    assert found.divergence is None
    assert seen == list(range(1, 31))
    largest = found.largest("torch:cpu")
    assert tuple(largest) == KINDS
    assert 0 < max(largest.values()) < (1e-12 if dtype == "float64" else 1e-3)
    ours, theirs = found.engines
    assert (ours.engine, theirs.engine) == ("reference", "torch:cpu")
    assert ours.accuracy == pytest.approx(theirs.accuracy, abs=0.01)
    assert ours.seconds > 0
    assert str(found).startswith(f"no difference exceeds {TOLERANCES[dtype]:g} in 30 steps")


def test_torch_differs_from_a_faulty_reference():
    needs("torch")
    makers = {"faulty": faulty(9, start=7), "torch": "torch:cpu", "reference": "reference"}
    found = compare_engines(network(), FEW, engines=makers, steps=20)
    step, engine, worst = found.divergence
    assert (step, engine, worst.layer) == (7, "torch", "9 (SiLU)")
    assert len(found.differences["reference"]) == 8


def test_gradients_of_an_opaque_engine_follow_from_its_updates():
    makers = {"reference": "reference", "opaque": lambda net, rules: Opaque(net, rules, 4)}
    found = compare_engines(network(), FEW, test, engines=makers, steps=20)
    assert found.divergence[:2] == (4, "opaque")
    assert found.divergence.difference[:3] == ("gradients", "11 (Dense)", "dweight")
    assert found.divergence.difference.value == pytest.approx(0.5, abs=0.05)
    assert tuple(found.largest("opaque")) == ("loss", "gradients", "parameters")
    assert max(record["gradients"] for record in found.differences["opaque"][:4]) < 1e-12
    figure = plots.differences(found)
    labels = [line.get_label() for line in figure.axes[0].lines[:3]]
    assert labels == ["loss", "gradients", "parameters"]


def test_an_opaque_engine_may_come_first():
    makers = {"opaque": lambda net, rules: Opaque(net, rules, 99), "faulty": faulty(8, start=3)}
    found = compare_engines(network(), FEW, engines=makers, steps=10)
    assert found.divergence[:2] == (3, "faulty")
    assert found.divergence.difference[:3] == ("gradients", "8 (Dense)", "dweight")


def test_nan_is_a_divergence():
    makers = {"reference": "reference", "faulty": faulty(4, factor=np.nan, start=2)}
    divergence = compare_engines(network(), FEW, engines=makers, steps=2).divergence
    assert divergence is None
    with np.errstate(invalid="ignore"), pytest.raises(hg.DivergenceError):
        compare_engines(network(), FEW, engines=makers, steps=5)


def test_a_batch_on_a_kink_is_skipped_and_the_tolerance_stays():
    """Both pixels of each window are equal up to rounding, so rounding decides the maximum."""
    layers = [hg.Conv2d(1, 1), hg.MaxPool2d((1, 2)), hg.Flatten(), hg.Dense()]
    net = hg.Network(layers, (2, 2, 2), 2)
    net.parameters["0.weight"] = np.array([1.0, 3.0], np.float32).reshape(1, 2, 1, 1)
    X = np.random.default_rng(0).uniform(0.5, 1.0, (64, 2, 2, 2)).astype(np.float32)
    X[:32, 0, :, 1] = X[:32, 0, :, 0] + 0.3
    X[:32, 1, :, 1] = X[:32, 1, :, 0] - 0.1  # 1·0.3 = 3·0.1
    data = hg.Dataset.from_arrays(X, np.arange(64) % 2)

    def other_digits(net, rules):
        engine = ReferenceEngine(net, rules)
        net.parameters["0.weight"][0, 0] *= np.float32(1 + 2e-6)
        return engine

    found = compare_engines(
        net,
        data,
        engines={"reference": "reference", "other": other_digits},
        steps=20,
        batch_size=1,
        optimizer=hg.SGD(1e-9),
    )
    assert found.divergence is None
    assert found.skipped > 0
    assert f"({found.skipped} batches on a kink were skipped)" in str(found)


def test_the_network_does_not_change():
    net = network()
    net.fit_statistics(FEW.images)
    before = net.snapshot()
    compare_engines(net, FEW, engines={"one": "reference", "two": "reference"}, steps=2)
    for name, array in before.items():
        np.testing.assert_array_equal(net.arrays[name], array)


def test_wrong_arguments_are_refused():
    with pytest.raises(ConfigError, match="a comparison needs two different engines"):
        compare_engines(network(), FEW, engines=("reference", "reference"))
    with pytest.raises(ConfigError, match="steps must be at least 1, not 0"):
        compare_engines(network(), FEW, steps=0)
    for tolerance in (0.0, -1e-9, np.nan, np.inf):
        with pytest.raises(ConfigError, match="tolerance must be above 0 and finite, not "):
            compare_engines(network(), FEW, engines=("reference", "auto"), tolerance=tolerance)
    with pytest.raises(ConfigError, match="there is no engine 'jax'; choose one of"):
        compare_engines(network(), FEW, engines=("reference", "jax"))
    with pytest.raises(DataError):
        compare_engines(network(), FEW, engines=("reference", "torch"), batch_size=301)


def test_without_pytorch_the_error_says_what_to_install(monkeypatch):
    for name in [n for n in sys.modules if n.startswith("handgrad.engines.torch")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingExtraError, match=r'pip install "handgrad\[torch\]"'):
        compare_engines(network(), FEW)


@pytest.mark.parametrize("steps", [1, 40])
def test_the_figure_shows_the_differences_and_the_divergence(steps):
    makers = {"reference": "reference", "faulty": faulty(8, start=steps - 1)}
    found = compare_engines(network(), FEW, engines=makers, steps=steps)
    figure = plots.differences(found)
    axes = figure.axes[0]
    assert axes.get_title() == "faulty compared with reference"
    assert axes.get_yscale() == "log"
    lines = {line.get_label(): line for line in axes.lines}
    assert [k for k in lines if k in KINDS] == list(KINDS)
    assert len(lines["gradients"].get_ydata()) == steps
    assert lines["gradients"].get_ydata()[-1] == found.largest("faulty")["gradients"]
    assert f"diverged at step {steps - 1}: dweight of 8 (Dense)" in axes.get_xlabel()
    assert_nothing_cut_or_overlapping(figure)


def test_the_result_as_json():
    makers = {"reference": "reference", "faulty": faulty(8, start=2)}
    found = compare_engines(network(), FEW, test, engines=makers, steps=5)
    plain = json.loads(json.dumps(found.as_json()))
    assert plain["divergence"] | {"value": 0} == {
        **{"step": 2, "engine": "faulty", "kind": "gradients", "layer": "8 (Dense)"},
        **{"tensor": "dweight", "value": 0},
    }
    assert plain["steps"] == 3
    assert (
        Divergence(2, "faulty", Difference(*list(found.divergence.difference))) == found.divergence
    )


@pytest.mark.slow
@pytest.mark.mnist
@pytest.mark.parametrize(
    ("model", "data"), [("convnet", "mnist"), ("fashion-mlp", "fashion-mnist")]
)
@pytest.mark.parametrize("dtype", TOLERANCES)
def test_200_steps_of_the_built_in_networks(model, data, dtype):
    needs("torch")
    folder = os.environ.get("HANDGRAD_DATA")
    if not folder:
        pytest.skip("HANDGRAD_DATA names no folder with MNIST")
    images, _ = hg.load_data(data, folder)
    net = hg.Network(hg.models.named(model), images.shape, len(images.classes), dtype=dtype)
    found = compare_engines(
        net, images, engines=("reference", "torch:cpu"), optimizer=hg.Momentum(0.05)
    )
    assert found.steps == 200
    assert found.divergence is None


def test_the_legend_names_all_lines():
    makers = {
        "reference": "reference",
        "opaque": lambda net, rules: Opaque(net, rules, 99),
        "faulty": faulty(8, start=2),
    }
    figure = plots.differences(compare_engines(network(), FEW, engines=makers, steps=5))
    titles = [axes.get_title() for axes in figure.axes]
    assert titles == ["opaque compared with reference", "faulty compared with reference"]
    legend = [text.get_text() for text in figure.legends[0].texts]
    assert legend == [*KINDS, "tolerance 1e-09"]
    assert_nothing_cut_or_overlapping(figure)


def test_the_result_shows_a_row_for_each_engine():
    makers = {"reference": "reference", "faulty": faulty(8, start=1)}
    found = hg.compare_engines(network(), FEW, test, engines=makers, steps=5)
    head, first, second, sentence = repr(found).splitlines()
    assert head.split() == ["engine", *KINDS, "ms", "per", "step", "test", "accuracy"]
    assert first.split()[:5] == ["reference", "-", "-", "-", "-"]
    assert second.startswith("faulty")
    assert sentence.startswith("step 1: faulty differs from reference in dweight of 8 (Dense) by")
    assert f"<p>{sentence}</p>" in found._repr_html_()
    assert not found.ok
