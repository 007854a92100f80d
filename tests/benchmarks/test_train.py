from dataclasses import replace

from benchmarks import peers
from benchmarks.peers import Competitor
from benchmarks.tasks import TRAINING
from benchmarks.train import measure

DIGITS = replace(TRAINING["softmax-regression"], data="digits", images=256)


def fake_competitor(name, *arguments):
    return Competitor(name, "peer", f"tests.benchmarks.fakes:{name}", arguments)


def test_a_valid_run_has_no_problems():
    competitors = {"reference": peers.OURS["reference"], "limit": peers.LIMIT["limit"]}
    record = measure("train", DIGITS, competitors, rounds=2, threads=1)
    assert record.problems == []
    assert [len(series.rounds) for series in record.series.values()] == [2, 2]
    reference = record.series["reference"]
    assert reference.rounds[1]["loss"] < reference.first["loss"]
    assert record.setup["flops_per_image"] == 2 * 2 * 64 * 10


def test_missing_competitors_and_invalid_losses_are_reported():
    competitors = {
        "one": fake_competitor("FakeCompetitor", "2.0", "0.9"),
        "two": fake_competitor("FakeCompetitor", "2.01", "0.9"),
        "still": fake_competitor("FakeCompetitor", "2.0", "1.0"),
        "absent": fake_competitor("MissingPackage"),
    }
    record = measure("train", DIGITS, competitors, rounds=2, threads=1)
    assert record.skipped == {"absent": "ModuleNotFoundError: No module named 'nowhere'"}
    assert record.problems == [
        "round 1: FakeCompetitor has a loss of 2.0000, but the median is 1.8090",
        "round 2: FakeCompetitor has a loss of 2.0000, but the median is 1.6281",
        "FakeCompetitor does not learn: its loss changed from 2.0000 to 2.0000",
    ]
