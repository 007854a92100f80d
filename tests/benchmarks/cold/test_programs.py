import json
import sys

import pytest

from benchmarks.cold import ours
from benchmarks.cold.memory import peak_mib
from benchmarks.cold.run import PROGRAMS, timed
from benchmarks.recipes import MARKS, SHORT
from benchmarks.worker import Skipped
from handgrad.models import named
from handgrad.network import Network


def test_ours_trains_and_says_how_long_each_part_took():
    recipe = {"data": "digits", "folder": None, "network": "two-layer", "engine": "reference"}
    figures = ours.main({**recipe, "epochs": 2, "batch": 32, "lr": 1e-2, "seed": 1})
    assert figures["accuracy"] > 0.85
    assert 0 < figures["last epoch"] < figures["train"]


def test_pytorch_has_our_networks_under_the_same_names():
    pytorch = pytest.importorskip("benchmarks.cold.pytorch", exc_type=ImportError)
    recipes = [*SHORT.values(), *(mark["pytorch"] for mark in MARKS.values())]
    for name in {recipe["network"] for recipe in recipes}:
        parameters = sum(p.numel() for p in pytorch.NETWORKS[name]().parameters())
        assert parameters == Network(named(name), (1, 28, 28), 10).summary().parameters


def test_every_program_has_a_recipe_for_every_mark():
    for mark in MARKS.values():
        assert {program.framework for program in PROGRAMS.values()} <= set(mark)


def test_a_program_gets_caches_of_its_own(tmp_path):
    code = "import json, os; print(json.dumps(os.environ['HANDGRAD_CACHE']))"
    wall, output = timed([sys.executable, "-c", code], tmp_path)
    assert json.loads(output) == str(tmp_path)
    assert 0 < wall < 30


def test_a_program_that_fails_says_why():
    with pytest.raises(Skipped, match=r"^no data$"):
        timed([sys.executable, "-c", "import sys; sys.exit('no data')"])


def test_the_peak_knows_what_was_taken_and_given_back():
    size = 256
    b"x" * (size << 20)
    assert size < peak_mib() < 64 * size
