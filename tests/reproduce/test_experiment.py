from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from handgrad.reproduce.experiment import TWIN, Fit, Outcome, Said, first
from handgrad.train import fit
from tests.extras import needs
from tests.reproduce.samples import LAYERS, QUICK, setting


def test_a_split_gives_each_image_to_one_side() -> None:
    train, validation = setting(seed=3).split(50)
    assert (len(train), len(validation)) == (350, 50)
    both = np.concatenate([train.images, validation.images]).reshape(400, -1)
    assert np.array_equal(
        np.sort(both, axis=0), np.sort(setting().train.images.reshape(400, -1), axis=0)
    )


def test_another_seed_splits_in_another_way() -> None:
    labels = [setting(seed).split(50)[1].labels.tolist() for seed in (0, 0, 1)]
    assert labels[0] == labels[1] != labels[2]


def test_a_fit_is_what_the_one_loop_makes() -> None:
    part = Fit(LAYERS, QUICK, validation=50, watched=True)
    given = setting(seed=2)
    came = part.run(given)
    net = given.network(LAYERS)
    train, validation = given.split(50)
    recipe = replace(QUICK, seed=2, engine="reference")
    history = fit(net, train, validation=validation, **vars(recipe))
    assert came.net is not None
    for name, array in net.arrays.items():
        np.testing.assert_array_equal(came.net.arrays[name], array)
    assert came.curves["validation accuracy"] == [e.validation_accuracy for e in history]
    assert len(came.curves["test accuracy"]) == 2
    assert came.figures["test accuracy"] == came.curves["test accuracy"][-1]
    assert came.figures["test accuracy after one epoch"] == came.curves["test accuracy"][0]
    assert came.figures["untrained test accuracy"] < 0.3


def test_the_twin_begins_with_the_same_weights() -> None:
    needs("torch")
    part = Fit(LAYERS, QUICK)
    assert part.in_torch().recipe.engine == TWIN
    ours, theirs = part.run(setting()), part.in_torch().run(setting())
    assert theirs.figures["training loss"] == pytest.approx(ours.figures["training loss"], rel=1e-4)


def test_fewer_images_are_the_first_ones() -> None:
    given = first(setting(), 30)
    np.testing.assert_array_equal(given.train.labels, setting().train.labels[:30])
    assert first(given, None) is given


def test_a_fit_that_was_interrupted_goes_on(tmp_path: Path) -> None:
    part = Fit(LAYERS, replace(QUICK, epochs=4))
    whole = part.run(setting())

    def stop(share: float) -> None:
        if share == 0.5:
            raise KeyboardInterrupt

    given = replace(setting(), checkpoint=tmp_path / "kept", on_share=stop)
    with pytest.raises(KeyboardInterrupt):
        part.run(given)
    shares: list[float] = []
    came = part.run(replace(given, on_share=shares.append))
    assert shares == [0.75, 1.0]
    assert came.figures == whole.figures
    assert came.curves == whole.curves


def test_an_outcome_survives_being_written() -> None:
    came = Outcome({"test accuracy": 0.5}, 1.5, {"training loss": [2.0, 1.0]})
    assert Outcome.of_plain(came.plain()) == came
    old = {"figures": {"test accuracy": 0.5}, "seconds": 1.5, "curves": {}}
    assert Outcome.of_plain(old).machine == ""
    with pytest.raises(LookupError):
        Outcome.of_plain({})


def test_what_is_said_is_only_said() -> None:
    assert Said({"median": 0.3081}).run(setting()).figures == {"median": 0.3081}
