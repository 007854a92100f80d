import pickle

import pytest

from handgrad.errors import (
    ConfigError,
    DataError,
    DivergenceError,
    HandgradError,
    MissingExtraError,
    ModelError,
    StorageError,
    did_you_mean,
)


@pytest.mark.parametrize(
    "kind", [DataError, ConfigError, ModelError, StorageError, MissingExtraError]
)
def test_all_can_be_caught_as_one(kind: type[HandgradError]) -> None:
    with pytest.raises(HandgradError, match=r"^what, where, what to do$"):
        raise kind("what, where, what to do")


def test_divergence_says_step_and_layer() -> None:
    error = DivergenceError("step 3, 2 (Dense): its output", step=3, layer="2 (Dense)")
    assert isinstance(error, HandgradError)
    assert (str(error), error.step, error.layer) == (
        "step 3, 2 (Dense): its output",
        3,
        "2 (Dense)",
    )


def test_a_divergence_survives_pickling() -> None:
    error = DivergenceError(
        "it grew", step=3, layer="1 (Dense)", by_update=True, unrecoverable=True
    )
    error.add_note("and so on")
    error = pickle.loads(pickle.dumps(error))
    assert (str(error), error.step, error.layer) == ("it grew", 3, "1 (Dense)")
    assert error.by_update
    assert error.unrecoverable


def test_only_a_similar_name_is_suggested():
    assert did_you_mean("epoch", ["lr", "epochs", "batch_size"]) == "; did you mean epochs?"
    assert did_you_mean("???", ["lr", "seed"]) == ""
