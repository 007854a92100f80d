from dataclasses import replace

from benchmarks import peers
from benchmarks.peers import Contestant
from benchmarks.tasks import TRAINING
from benchmarks.train import measure

DIGITS = replace(TRAINING["softmax-regression"], data="digits", images=256)


def fake(name, *arguments):
    return Contestant(name, "peer", f"tests.benchmarks.fakes:{name}", arguments)


def test_a_sound_run_has_ratios_and_no_troubles():
    contestants = {"reference": peers.OURS["reference"], "limit": peers.LIMIT["limit"]}
    record = measure("train", DIGITS, contestants, rounds=2, threads=1)
    assert record.troubles == []
    assert [len(series.rounds) for series in record.series.values()] == [2, 2]
    reference = record.series["reference"]
    assert reference.rounds[1]["loss"] < reference.first["loss"]
    assert record.subject["flops_per_image"] == 2 * 2 * 64 * 10


def test_who_is_absent_disagrees_or_does_not_learn_is_named():
    contestants = {
        "one": fake("Pretender", "2.0", "0.9"),
        "two": fake("Pretender", "2.01", "0.9"),
        "still": fake("Pretender", "2.0", "1.0"),
        "absent": fake("Absent"),
    }
    record = measure("train", DIGITS, contestants, rounds=2, threads=1)
    assert record.skipped == {"absent": "ModuleNotFoundError: No module named 'nowhere'"}
    assert record.troubles == [
        "round 1: Pretender has a loss of 2.0000, the others 1.8090",
        "round 2: Pretender has a loss of 2.0000, the others 1.6281",
        "Pretender is not learning: its loss went from 2.0000 to 2.0000",
    ]
