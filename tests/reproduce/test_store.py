import json
from pathlib import Path

import pytest

from handgrad.errors import ConfigError
from handgrad.layers import Dense, Flatten
from handgrad.reproduce.convnet import ScaledByP
from handgrad.reproduce.experiment import Fit, Said
from handgrad.reproduce.store import Piece, Store, pieces
from handgrad.reproduce.text import machine
from tests.reproduce.samples import QUICK, notebook, setting

DIGESTS = {"digits": "abc"}


def piece(seed: int = 0, value: float = 1.0) -> Piece:
    return Piece("small", "digits", "said", Said({"x": value}), seed)


def test_what_is_kept_is_found_again(tmp_path: Path) -> None:
    store, one = Store(tmp_path, DIGESTS), piece()
    assert store.get(one) is None
    store.put(one, one.part.run(setting()))
    found = store.get(one)
    assert found is not None
    assert found.figures == {"x": 1.0}
    told = json.loads(next(tmp_path.rglob("*.json")).read_text())
    assert found.machine == machine()
    assert told["part"] == "Said(figures={'x': 1.0})"


def test_another_seed_part_engine_or_data_is_another_piece(tmp_path: Path) -> None:
    store, one = Store(tmp_path, DIGESTS, "compiled"), piece()
    store.put(one, one.part.run(setting()))
    assert store.get(piece(seed=1)) is None
    assert store.get(piece(value=2.0)) is None
    assert Store(tmp_path, DIGESTS, "reference").get(one) is None
    assert Store(tmp_path, {"digits": "abd"}, "compiled").get(one) is None


def test_another_engine_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="the engine 'torch' is none of ours; choose one of auto"):
        Store(tmp_path, DIGESTS, "torch")


def test_a_file_that_is_not_whole_is_run_again(tmp_path: Path) -> None:
    store, one = Store(tmp_path, DIGESTS), piece()
    store.put(one, one.part.run(setting()))
    path = next(tmp_path.rglob("*.json"))
    whole = path.read_text()
    for spoilt in (whole[:50], "[]", "{}", whole.replace('"figures"', '"figure"')):
        path.write_text(spoilt)
        assert store.get(one) is None


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"figures": {\n   "x": 1.0\n  }', '"figures": {}', "lacks figures"),
        ('"x"', '"z"', "lacks figures"),
        ('"x": 1.0', '"x": NaN', "has figures that are no numbers"),
        ('"outcome"', '"came"', "cannot be read"),
        ('"seed": 0', '"seed": 1', "is of another piece"),
        ('"data": "abc"', '"data": "abd"', "is of another piece"),
        ('"engine": "compiled"', '"engine": "reference"', "is of another piece"),
        ("Said(figures={'x': 1.0})", "Said(figures={'x': 2.0})", "is of another piece"),
    ],
)
def test_what_is_no_outcome_of_the_piece_counts_as_not_done_and_is_said_once(
    tmp_path: Path, old: str, new: str, words: str
) -> None:
    said: list[str] = []
    store = Store(tmp_path, DIGESTS, "compiled", said.append)
    one = piece()._replace(figures=frozenset({"x"}))
    store.put(one, one.part.run(setting()))
    assert store.get(one) is not None
    path = next(tmp_path.rglob("*.json"))
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    assert store.get(one) is None
    assert store.get(one) is None
    assert said == [f"{path} {words}, and counts as not done"]


def test_a_network_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    said: list[str] = []
    store = Store(tmp_path, DIGESTS, warn=said.append)
    one = Piece("small", "digits", "fit", notebook().experiments[0].parts["corrected"], 0)
    store.put(one, one.part.run(setting()))
    next(tmp_path.rglob("*.safetensors")).write_bytes(b"no network")
    assert store.network(one) is None
    (sentence,) = said
    assert sentence.startswith(f"a network is not shown: {next(tmp_path.rglob('*.safetensors'))}")


def test_a_piece_knows_which_figures_the_report_asks_for() -> None:
    published, corrected, race = pieces([notebook()], seeds=1)
    assert published.figures == {"test accuracy", "test loss"}
    assert corrected.figures == {"test accuracy", "test loss"}
    assert race.figures == {"handgrad: microseconds", "handgrad: accuracy", "total"}


def test_the_network_of_the_first_seed_is_kept(tmp_path: Path) -> None:
    store, part = Store(tmp_path, DIGESTS), notebook().experiments[0].parts["corrected"]
    for seed in (0, 1):
        one = Piece("small", "digits", "fit", part, seed)
        outcome = part.run(setting(seed))
        store.put(one, outcome)
        net = store.network(one)
        assert (net is not None) == (seed == 0)
        if net is not None and outcome.net is not None:
            assert (
                net.logits(setting().test.images) == outcome.net.logits(setting().test.images)
            ).all()


def test_equal_parts_are_one_piece_and_seeds_come_in_turn() -> None:
    found = pieces([notebook()], seeds=2)
    assert [(p.what, p.seed) for p in found] == [
        ("one hidden layer, published", 0),
        ("one hidden layer, corrected", 0),
        ("the time", 0),
        ("one hidden layer, published", 1),
        ("one hidden layer, corrected", 1),
    ]


def test_a_network_of_a_notebooks_own_layers_is_not_kept_but_its_figures_are(
    tmp_path: Path,
) -> None:
    part = Fit((Flatten(), ScaledByP(0.5), Dense()), QUICK)
    one = Piece("small", "digits", "fit", part, 0)
    store = Store(tmp_path, DIGESTS)
    store.put(one, part.run(setting()))
    assert store.get(one) is not None
    assert store.network(one) is None
