from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from handgrad.reproduce.experiment import (
    TORCH_ENGINE,
    ReportedValue,
    RunResult,
    Training,
    with_first_images,
)
from handgrad.train import fit
from tests.extras import needs
from tests.reproduce.samples import LAYERS, QUICK, context


def test_a_split_uses_each_image_once() -> None:
    train, validation = context(seed=3).split(50)
    assert (len(train), len(validation)) == (350, 50)
    both = np.concatenate([train.images, validation.images]).reshape(400, -1)
    assert np.array_equal(
        np.sort(both, axis=0), np.sort(context().train.images.reshape(400, -1), axis=0)
    )


def test_another_seed_gives_another_split() -> None:
    labels = [context(seed).split(50)[1].labels.tolist() for seed in (0, 0, 1)]
    assert labels[0] == labels[1] != labels[2]


def test_a_training_variant_equals_fit() -> None:
    variant = Training(LAYERS, QUICK, validation=50, track_test=True)
    given = context(seed=2)
    result = variant.run(given)
    net = given.network(LAYERS)
    train, validation = given.split(50)
    config = replace(QUICK, seed=2, engine="reference")
    history = fit(net, train, validation=validation, **vars(config))
    assert result.net is not None
    for name, array in net.arrays.items():
        np.testing.assert_array_equal(result.net.arrays[name], array)
    assert result.curves["validation accuracy"] == [e.validation_accuracy for e in history]
    assert len(result.curves["test accuracy"]) == 2
    assert result.metrics["test accuracy"] == result.curves["test accuracy"][-1]
    assert result.metrics["test accuracy after one epoch"] == result.curves["test accuracy"][0]
    assert result.metrics["untrained test accuracy"] < 0.3


def test_pytorch_starts_with_the_same_weights() -> None:
    needs("torch")
    variant = Training(LAYERS, QUICK)
    assert variant.in_torch().config.engine == TORCH_ENGINE
    ours, theirs = variant.run(context()), variant.in_torch().run(context())
    assert theirs.metrics["training loss"] == pytest.approx(ours.metrics["training loss"], rel=1e-4)


def test_fewer_images_are_the_first() -> None:
    given = with_first_images(context(), 30)
    np.testing.assert_array_equal(given.train.labels, context().train.labels[:30])
    assert with_first_images(given, None) is given


def test_an_interrupted_training_run_continues(tmp_path: Path) -> None:
    variant = Training(LAYERS, replace(QUICK, epochs=4))
    whole = variant.run(context())

    def stop(share: float) -> None:
        if share == 0.5:
            raise KeyboardInterrupt

    given = replace(context(), checkpoint=tmp_path / "kept", on_progress=stop)
    with pytest.raises(KeyboardInterrupt):
        variant.run(given)
    shares: list[float] = []
    result = variant.run(replace(given, on_progress=shares.append))
    assert shares == [0.75, 1.0]
    assert result.metrics == whole.metrics
    assert result.curves == whole.curves


def test_a_result_is_the_same_after_writing_and_reading() -> None:
    result = RunResult({"test accuracy": 0.5}, 1.5, {"training loss": [2.0, 1.0]})
    assert RunResult.from_dict(result.to_dict()) == result
    old = {"metrics": {"test accuracy": 0.5}, "seconds": 1.5, "curves": {}}
    assert RunResult.from_dict(old).machine == ""
    with pytest.raises(LookupError):
        RunResult.from_dict({})


def test_a_reported_value_is_returned() -> None:
    assert ReportedValue({"median": 0.3081}).run(context()).metrics == {"median": 0.3081}
