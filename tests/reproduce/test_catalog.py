import pytest

from handgrad.automl.trial import standard_error
from handgrad.errors import ConfigError
from handgrad.models import MODELS
from handgrad.reproduce.catalog import NOTEBOOKS, notebooks
from handgrad.reproduce.notebook import Experiment


def test_five_notebooks_have_the_names_of_their_networks() -> None:
    assert [book.name for book in notebooks()] == [*NOTEBOOKS]
    assert {*[*NOTEBOOKS][:5]} <= {*MODELS}
    assert [*NOTEBOOKS][5:] == ["deep-convnet", "resnet7"]
    assert {book.data for book in notebooks()[5:]} == {"mnist", "fashion-mnist"}


def test_some_notebooks_in_the_order_of_the_catalog() -> None:
    assert [b.name for b in notebooks(["two-layer", "softmax-regression"])] == [
        "softmax-regression",
        "two-layer",
    ]


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(ConfigError, match="no notebook 'three-layer'; choose one of softmax"):
        notebooks(["three-layer"])


@pytest.mark.parametrize("quick", [True, False])
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_ranges_and_remarks_belong_to_existing_metrics(name: str, quick: bool) -> None:
    (book,) = notebooks([name], quick=quick)

    def check(experiment: Experiment) -> None:
        assert {kind for kind, _ in experiment.ranges} <= {*experiment.variants}
        assert {*experiment.remarks} <= {*experiment.published}
        assert all(low < high for low, high in experiment.ranges.values())

    for experiment in book.experiments:
        check(experiment)
    assert any(experiment.ranges for experiment in book.experiments)
    assert all(erratum.error.endswith(".") and erratum.why for erratum in book.errata)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_the_best_was_chosen_from_at_least_three_configs(name: str) -> None:
    (book,) = notebooks([name])
    assert len(book.trials) >= 3
    assert book.validated_on
    (chosen,) = (trial for trial in book.trials if trial.chosen)
    highest = max(trial.accuracy for trial in book.trials)
    if chosen.loss is None:
        assert chosen.accuracy == highest
    else:
        bar = highest - standard_error(highest, 6_000)
        losses = [trial.loss or 0 for trial in book.trials if trial.accuracy >= bar]
        assert chosen.accuracy >= bar
        assert chosen.loss == min(losses)
    assert all(0.8 < trial.accuracy < 1 and trial.seeds > 0 for trial in book.trials)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_the_repr_of_a_variant_has_no_addresses(name: str) -> None:
    (book,) = notebooks([name])
    for experiment in book.experiments:
        for variant in experiment.variants.values():
            assert " at 0x" not in repr(variant)
