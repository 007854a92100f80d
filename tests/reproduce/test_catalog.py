import pytest

from handgrad.errors import ConfigError
from handgrad.models import MODELS
from handgrad.reproduce.catalog import NOTEBOOKS, notebooks
from handgrad.reproduce.notebook import Experiment


def test_there_are_five_and_each_is_named_after_its_network() -> None:
    assert [book.name for book in notebooks()] == [*NOTEBOOKS]
    assert len(NOTEBOOKS) == 5
    assert {*NOTEBOOKS} <= {*MODELS}


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
def test_a_part_says_all_that_decides_it(name: str) -> None:
    (book,) = notebooks([name])
    for experiment in book.experiments:
        for part in experiment.parts.values():
            assert " at 0x" not in repr(part)
