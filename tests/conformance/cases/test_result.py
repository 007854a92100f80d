import numpy as np
import pytest

from conformance.cases.result import NotApplicableError, Result, as_examples, forward, require
from handgrad.errors import MissingExtraError
from handgrad.layers import Dense, MaxPool2d


def test_a_layer_runs_with_the_arrays_it_is_given_and_back():
    X, weight = np.ones((2, 3)), np.arange(6.0).reshape(2, 3)
    passed = forward(Dense(2), X, {"weight": weight})
    assert passed.Y.tolist() == [[3, 12], [3, 12]]
    dX, gradients = passed.back(np.ones((2, 2)))
    assert dX.tolist() == [[3, 5, 7], [3, 5, 7]]
    assert gradients["bias"].tolist() == [2, 2]


def test_a_case_that_a_layer_refuses_does_not_apply():
    with pytest.raises(
        NotApplicableError, match="refused: padding must be at most half the window"
    ):
        forward(MaxPool2d(3, 1, 2), np.ones((1, 1, 5, 5)))
    with pytest.raises(NotApplicableError, match="its weight has a different shape"):
        forward(Dense(2), np.ones((2, 3)), {"weight": np.ones((3, 2))})


@pytest.mark.parametrize(
    ("shape", "rank", "examples"),
    [((2, 3), 1, (2, 3)), ((4, 2, 3), 1, (8, 3)), ((3,), 1, (1, 3)), ((), 0, (1,)), ((0, 3), 0, 0)],
)
def test_axes_before_the_example_are_counted_as_examples(shape, rank, examples):
    found = as_examples(np.zeros(shape), rank).shape
    assert found == (examples or (0,))


def test_too_few_axes_do_not_apply():
    with pytest.raises(NotApplicableError, match="a single number without a batch axis"):
        as_examples(np.zeros(()), 1)


def test_a_result_within_its_limit_passes_and_cases_that_were_not_run_are_listed():
    assert Result("Gemm", "a", 1e-5, 1e-5).passed
    assert not Result("Gemm", "a", 2e-5, 1e-5).passed
    listed = Result("Gemm", "a", None, 1e-5, "because")
    assert listed.listed
    assert not listed.passed


def test_a_package_that_is_missing_is_named_with_its_extra():
    with pytest.raises(MissingExtraError) as caught:
        require("no_such_package.inside", "onnx")
    assert str(caught.value) == (
        "these cases need no_such_package; install it with `pip install 'handgrad[onnx]'`"
    )
