"""Faults that small numbers, a single cotangent or a single call do not show."""

from pathlib import Path

import pytest

from handgrad.errors import ModelError
from handgrad.gradient_check.check import Report, check
from handgrad.gradient_check.registry import LAYERS
from handgrad.gradient_check.target import Subject
from handgrad.gradient_check.user_layer import own_layer

WRONG = Path(__file__).parent / "layers" / "wrong.py"


def found(name: str) -> Report:
    return check(own_layer(f"{WRONG}:{name}"))


@pytest.mark.parametrize(
    ("name", "tensors", "witness"),
    [
        ("ForgottenTop", {"X"}, "far"),
        ("ForgottenEnds", {"X"}, "far"),
        ("ClippedGradient", {"X"}, "linear"),
        ("ClippedCotangent", {"X", "w", "b"}, "linear"),
        ("SingleBackward", {"X", "w", "b"}, "linear"),
        ("AddedConstant", {"X"}, "linear"),
    ],
)
def test_what_small_numbers_do_not_show_is_rejected(
    name: str, tensors: set[str], witness: str
) -> None:
    report = found(name)
    assert report.verdict == "wrong"
    assert {(f.tensor, f.witness) for f in report.wrong} == {(t, witness) for t in tensors}
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
def test_and_its_cause_named(name: str, cause: str) -> None:
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
                "lacks the way through what depends on X too"
            ],
        ),
        (
            "AnotherVariance",
            [
                "the output Y must be 1.08013 times as large on the way back: the variance is "
                "÷ (N - 1) in forward, and ÷ N in backward"
            ],
        ),
        ("NearlyRight", ["it is 1.0000003 times what it should be"]),
        ("NearlyRightInOne", []),
    ],
)
def test_a_cause_is_true_or_none_is_named(name: str, sentences: list[str]) -> None:
    report = found(name)
    assert report.verdict == "wrong"
    assert [cause.sentence for cause in report.causes] == sentences


@pytest.mark.parametrize("name", ["TinyBias", "TinyBiasTurned"])
def test_a_gradient_too_small_to_be_judged_is_not_called_right(name: str) -> None:
    report = found(name)
    assert not report.ok
    assert report.verdict == "nothing to prove"
    verdicts = {tensor: report.verdict_on(tensor) for tensor in ("X", "w", "b")}
    assert verdicts == {"X": "right", "w": "right", "b": "nothing to prove"}


def test_zero_where_the_output_depends_on_nothing_is_proven() -> None:
    report = check(own_layer(f"{WRONG.with_name('right.py')}:Unused"))
    assert report.verdict_on("unused") == "right"
    shown = [(c.spoilt, c.rejected) for c in report.controls if c.tensor == "unused"]
    assert shown == [("filled", True)]


def test_what_is_kept_in_self_and_not_in_the_cache_is_refused() -> None:
    sentence = "KeptInSelf: backward, for w, gives other numbers once forward has seen other"
    with pytest.raises(ModelError, match=sentence):
        found("KeptInSelf")


def test_a_gradient_that_is_rejected_gets_its_controls_too() -> None:
    shown = [c for c in found("ForgottenTop").controls if c.witness == "far"]
    assert {c.spoilt for c in shown} == {"zeroed", "scaled by 1 %", "transposed", "shifted"}
    assert all(c.rejected for c in shown)


@pytest.mark.parametrize("subject", LAYERS, ids=lambda subject: subject.name)
def test_our_layers_are_right_far_out_and_linear(subject: Subject) -> None:
    from handgrad.gradient_check import large_inputs as far
    from handgrad.gradient_check import linearity as linear
    from handgrad.gradient_check.oracle import judge

    for training in (True, False):
        heard = [linear.witness(subject, subject.point(1, training))]
        heard += [witness for _, witness in far.witnesses(subject, 1, training)]
        assert all(finding.ok for witness in heard for finding in judge(witness))
