"""Errors that are not visible with small inputs, a single cotangent or a single call."""

from pathlib import Path

import pytest

from handgrad.errors import ModelError
from handgrad.gradient_check.check import Report, check
from handgrad.gradient_check.registry import LAYERS
from handgrad.gradient_check.target import Target
from handgrad.gradient_check.user_layer import load_user_layer

WRONG = Path(__file__).parent / "layers" / "wrong.py"


def found(name: str) -> Report:
    return check(load_user_layer(f"{WRONG}:{name}"))


@pytest.mark.parametrize(
    ("name", "tensors", "oracle"),
    [
        ("ForgottenTop", {"X"}, "large inputs"),
        ("ForgottenEnds", {"X"}, "large inputs"),
        ("ClippedGradient", {"X"}, "linearity"),
        ("ClippedCotangent", {"X", "w", "b"}, "linearity"),
        ("SingleBackward", {"X", "w", "b"}, "linearity"),
        ("AddedConstant", {"X"}, "linearity"),
    ],
)
def test_errors_hidden_at_small_inputs_are_rejected(
    name: str, tensors: set[str], oracle: str
) -> None:
    report = found(name)
    assert report.verdict == "wrong"
    assert {(f.tensor, f.oracle) for f in report.wrong} == {(t, oracle) for t in tensors}
    assert not report.broken


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("ForgottenTop", "wrong mask"),
        ("ClippedCotangent", "not linear"),
        ("SingleBackward", "computed in float32"),
        ("AddedConstant", "not linear"),
    ],
)
def test_the_causes_of_the_faults_are_found(name: str, cause: str) -> None:
    assert {c.name for c in found(name).causes} == {cause}


@pytest.mark.parametrize(
    ("name", "sentences"),
    [
        (
            "NormAsConstant",
            [
                "the norm of each example (over axis 1) is treated as constant: dX lacks the part "
                "along X"
            ],
        ),
        (
            "LayerNormAsConstant",
            [
                "the mean and variance of each example (over axis 1) are treated as constant: dX "
                "lacks the terms for the dependence on X"
            ],
        ),
        (
            "AnotherVariance",
            [
                "the output Y must be 1.08013 times as large in backward: the variance is "
                "divided by N - 1 in forward, and by N in backward"
            ],
        ),
        ("NearlyRight", ["it is 1.0000003 times what it should be"]),
        ("NearlyRightInOne", []),
    ],
)
def test_a_cause_is_right_or_not_reported(name: str, sentences: list[str]) -> None:
    report = found(name)
    assert report.verdict == "wrong"
    assert [cause.sentence for cause in report.causes] == sentences


@pytest.mark.parametrize("name", ["TinyBias", "TinyBiasTurned"])
def test_a_gradient_too_small_to_check_is_not_proven(name: str) -> None:
    report = found(name)
    assert not report.ok
    assert report.verdict == "not proven"
    verdicts = {tensor: report.verdict_on(tensor) for tensor in ("X", "w", "b")}
    assert verdicts == {"X": "right", "w": "right", "b": "not proven"}


def test_a_zero_gradient_of_an_unused_array_is_right() -> None:
    report = check(load_user_layer(f"{WRONG.with_name('right.py')}:Unused"))
    assert report.verdict_on("unused") == "right"
    shown = [(c.mutation, c.rejected) for c in report.controls if c.tensor == "unused"]
    assert shown == [("nonzero", True)]


def test_data_kept_in_self_is_refused() -> None:
    sentence = "KeptInSelf: backward, for w, returns different numbers after forward was called"
    with pytest.raises(ModelError, match=sentence):
        found("KeptInSelf")


def test_rejected_gradients_have_controls_too() -> None:
    shown = [c for c in found("ForgottenTop").controls if c.oracle == "large inputs"]
    assert {c.mutation for c in shown} == {"zeroed", "scaled by 1 %", "transposed", "shifted"}
    assert all(c.rejected for c in shown)


@pytest.mark.parametrize("target", LAYERS, ids=lambda target: target.name)
def test_our_layers_pass_large_inputs_and_linearity(target: Target) -> None:
    from handgrad.gradient_check import large_inputs, linearity
    from handgrad.gradient_check.oracle import compare_all

    for training in (True, False):
        results = [linearity.run_oracle(target, target.point(1, training))]
        results += [oracle for _, oracle in large_inputs.run_oracles(target, 1, training)]
        assert all(comparison.ok for oracle in results for comparison in compare_all(oracle))
