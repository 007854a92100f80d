import json

import pytest

from benchmarks.record import FOLDER, Record, Series, read


@pytest.fixture
def record():
    def series(role, *lrs):
        return Series(role, role, [{"rate": lr, "time": 1 / lr} for lr in lrs])

    return Record(
        "train",
        "two-layer",
        {"batch": 64},
        {"rate": "high", "time": "low"},
        {
            "ours": series("ours", 30.0, 10.0, 20.0),
            "pytorch": series("peer", 10.0, 5.0, 8.0),
            "jax": series("peer", 20.0, 4.0, 10.0),
            "limit": series("limit", 99.0, 99.0, 99.0),
        },
    )


def test_ratios_are_taken_within_a_round(record):
    # by round 30/20, 10/4, 20/10 to jax, the best peer; 30/10, 10/5, 20/8 to pytorch
    expected = {"to best peer": pytest.approx(2.0), "to PyTorch": pytest.approx(2.5)}
    assert record.ratios() == {"rate": {"ours": expected}, "time": {"ours": expected}}


def test_best_compares_medians_in_the_better_direction(record):
    assert record.best("rate", "peer") == "jax"
    assert record.best("time", "peer") == "jax"
    assert record.best("rate", "nobody") is None


def test_a_competitor_without_figures_is_ignored(record):
    record.series["jax"].rounds.clear()
    record.series["pytorch"].rounds.clear()
    assert record.ratios()["rate"] == {"ours": {}}


def test_a_saved_record_has_every_figure_and_can_be_read(record, tmp_path):
    path = record.save(tmp_path)
    assert path.name == f"train-two-layer-{record.about['date'][:10]}.json"
    content = json.loads(path.read_text())
    assert content["series"]["jax"]["rounds"][1] == {"rate": 4.0, "time": 0.25}
    assert content["medians"]["ours"]["rate"] == 20.0
    assert content["ratios"]["rate"]["ours"]["to best peer"] == pytest.approx(2.0)
    assert content["about"]["versions"]["numpy"]
    assert content["about"]["machine"]["cores"] >= 1
    assert read(path) == record


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.json")), ids=lambda path: path.stem)
def test_the_committed_records_have_their_goals(path):
    record = read(path)
    for series in record.series.values():
        for figures in series.rounds:
            assert set(record.goals) <= set(figures)
    assert "flops_per_image" in record.setup or record.kind not in ("train", "online")
