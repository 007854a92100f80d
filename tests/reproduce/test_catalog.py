import pytest

from handgrad.auto.trial import standard_error
from handgrad.errors import ConfigError
from handgrad.models import MODELS
from handgrad.reproduce.catalog import NOTEBOOKS, notebooks
from handgrad.reproduce.notebook import Experiment


def test_there_are_five_named_after_their_networks_and_two_of_ours() -> None:
    assert [book.name for book in notebooks()] == [*NOTEBOOKS]
    assert {*[*NOTEBOOKS][:5]} <= {*MODELS}
    assert [*NOTEBOOKS][5:] == ["deep-convnet", "resnet7"]
    assert {book.data for book in notebooks()[5:]} == {"mnist", "fashion-mnist"}


def test_some_of_them_in_the_order_of_the_catalogue() -> None:
    assert [b.name for b in notebooks(["two-layer", "softmax-regression"])] == [
        "softmax-regression",
        "two-layer",
    ]


def test_an_unknown_name() -> None:
    with pytest.raises(ConfigError, match=r"there is no notebook 'three-layer'; choose of softmax"):
        notebooks(["three-layer"])


@pytest.mark.parametrize("quick", [True, False])
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_ranges_and_remarks_are_of_figures_that_there_are(name: str, quick: bool) -> None:
    (book,) = notebooks([name], quick=quick)

    def check(experiment: Experiment) -> None:
        assert {kind for kind, _ in experiment.ranges} <= {*experiment.parts}
        assert {*experiment.remarks} <= {*experiment.claims}
        assert all(low < high for low, high in experiment.ranges.values())

    for experiment in book.experiments:
        check(experiment)
    assert any(experiment.ranges for experiment in book.experiments)
    assert all(erratum.error.endswith(".") and erratum.why for erratum in book.errata)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_the_best_was_chosen_from_three_recipes_or_more(name: str) -> None:
    (book,) = notebooks([name])
    assert len(book.trials) >= 3
    assert book.judged
    (taken,) = (trial for trial in book.trials if trial.taken)
    highest = max(trial.accuracy for trial in book.trials)
    if taken.loss is None:
        assert taken.accuracy == highest
    else:
        bar = highest - standard_error(highest, 6_000)
        losses = [trial.loss or 0 for trial in book.trials if trial.accuracy >= bar]
        assert taken.accuracy >= bar
        assert taken.loss == min(losses)
    assert all(0.8 < trial.accuracy < 1 and trial.seeds > 0 for trial in book.trials)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_part_says_all_that_decides_it(name: str) -> None:
    (book,) = notebooks([name])
    for experiment in book.experiments:
        for part in experiment.parts.values():
            assert " at 0x" not in repr(part)
