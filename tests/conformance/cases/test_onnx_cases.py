from collections import Counter

import numpy as np
import pytest

from conformance.cases.onnx_cases import LIMIT, error, run, selected
from conformance.cases.result import forward
from handgrad.layers import AvgPool2d, BatchNorm, Context, Dense, MaxPool2d

PASSED = {
    **{"Gemm": 10, "MatMul": 3, "Add": 2, "Conv": 6, "MaxPool": 7, "AveragePool": 4},
    **{"GlobalAveragePool": 2, "Flatten": 3, "BatchNormalization": 2, "Relu": 1, "LeakyRelu": 3},
    **{"Sigmoid": 2, "Tanh": 2, "Softmax": 7, "LogSoftmax": 7, "Dropout": 8},
    **{"SoftmaxCrossEntropyLoss": 16, "Adam": 2, "Momentum": 3},
}
LISTED = {
    **{"Gemm": 1, "MatMul": 4, "MaxPool": 3, "AveragePool": 6, "Flatten": 6},
    **{"BatchNormalization": 2, "Dropout": 4, "NegativeLogLikelihoodLoss": 2},
}


def test_each_of_118_cases_passes_or_is_listed(onnx):
    assert len(onnx) == 118
    assert Counter(r.operator for r in onnx if r.passed) == PASSED
    assert Counter(r.operator for r in onnx if r.listed) == LISTED
    assert sum(PASSED.values()) + sum(LISTED.values()) == 118


def test_no_case_is_both_and_each_listed_one_has_a_reason(onnx):
    assert all(bool(r.reason) == r.listed and not (r.passed and r.listed) for r in onnx)


def test_cases_with_other_dtypes_dilation_ceil_mode_or_other_axes_are_excluded(cases):
    outside = {name for name, case in cases.items() if not selected(case)}
    assert len(cases) - len(outside) == 118
    for name in ("add_uint8", "maxpool_2d_ceil", "maxpool_2d_dilations", "averagepool_1d_default"):
        assert name in outside
    for name in ("sce_mean_3d", "nllloss_NCd1d2", "maxpool_2d_uint8", "averagepool_3d_default"):
        assert name in outside


@pytest.mark.parametrize(
    ("name", "layer", "method"),
    [
        ("gemm_transposeB", Dense, "forward"),
        ("maxpool_2d_default", MaxPool2d, "forward"),
        ("maxpool_with_argmax_2d_precomputed_pads", MaxPool2d, "backward"),
    ],
)
def test_a_layer_that_is_wrong_fails(cases, monkeypatch, name, layer, method):
    assert run(cases[name]).passed
    right = getattr(layer, method)

    def wrong(self, params, X, other):
        first, second = right(self, params, X, other)
        return np.flip(first) * (1 + 2e-5), second

    monkeypatch.setattr(layer, method, wrong)
    found = run(cases[name])
    assert not found.passed
    assert not found.listed


@pytest.mark.parametrize("name", ["batchnorm_example_training_mode"])
def test_listed_batch_norms_agree_but_for_the_unbiased_variance(cases, name):
    X, weight, bias, mean, var = cases[name].inputs
    Y, new_mean, new_var = cases[name].outputs
    arrays = {"weight": weight, "bias": bias, "running_mean": mean, "running_var": var}
    passed = forward(BatchNorm(), X, arrays, training=True)
    buffers = passed.layer.update_buffers(passed.params, passed.cache)
    N = X.size // X.shape[1]
    batch_var = (buffers["running_var"] - 0.9 * var) * (N - 1) / N
    assert error(passed.Y, Y) <= LIMIT
    assert error(buffers["running_mean"], new_mean) <= LIMIT
    assert error(buffers["running_var"], new_var) > LIMIT
    assert error(0.9 * var + batch_var, new_var) <= LIMIT


def test_listed_averages_agree_if_no_window_overlaps_the_border(cases):
    case = cases["averagepool_2d_pads"]
    inside = AvgPool2d(3, 1).forward({}, case.inputs[0], Context())[0]
    assert error(inside, case.outputs[0][:, :, 2:-2, 2:-2]) <= LIMIT


def test_listed_likelihoods_start_from_numbers_that_are_no_logarithms_of_probabilities(cases):
    given = cases["nllloss_NC"].inputs[0]
    assert (given > 0).any()
    Z = given - np.log(np.exp(given).sum(axis=1, keepdims=True))
    y = cases["nllloss_NC"].inputs[1]
    proper = cases["nllloss_NC"]._replace(inputs=[Z, y], outputs=[-Z[np.arange(len(y)), y]])
    assert run(proper).passed


def test_an_error_counts_relative_and_another_shape_or_type_is_no_match():
    theirs = np.array([1.0, 0.0], np.float32)
    assert error(theirs, theirs) == 0
    assert error(theirs + np.float32(1e-4), theirs) == pytest.approx(1e-2, rel=1e-2)
    assert error(theirs[None], theirs) == np.inf
    assert error(theirs.astype(np.float64), theirs) == np.inf
