import pytest

from benchmarks import document
from benchmarks.configs import TARGETS, describe
from benchmarks.document import section, source, update
from benchmarks.record import Record, Series, read
from benchmarks.tables import details, number, overview

PROSE = """# Title

<!-- table: train -->
old table
<!-- end -->

Prose.

<!-- table: predict -->
<!-- end -->
"""


def make(label, date, lr, problems=()):
    record = Record("train", label, {"batch": 64}, {"images_per_second": "high"})
    record.problems = list(problems)
    record.about["date"] = date
    record.series["compiled"] = Series("handgrad", "ours", [{"images_per_second": lr}])
    record.series["jax"] = Series("JAX", "peer", [{"images_per_second": 50_000.0}])
    return record


def test_tables_are_replaced_and_text_is_kept(tmp_path):
    make("two-layer", "2026-01-01T00:00:00", 100_000.0).save(tmp_path)
    make("two-layer", "2026-01-02T00:00:00", 150_000.0).save(tmp_path)
    make("two-layer", "2026-01-03T00:00:00", 9e9, ["a loss differs"]).save(tmp_path)
    document = tmp_path / "performance.md"
    document.write_text(PROSE)
    update(tmp_path, document)
    text = document.read_text()
    assert text.startswith("# Title\n\n<!-- table: train -->\n")
    assert "\n\nProse.\n\n" in text
    assert "old table" not in text
    assert "150,000 (compiled) | 50,000 (JAX) |  | **3.00** |" in text  # the newest valid record
    assert "<!-- table: predict -->\nNo record yet.\n<!-- end -->" in text
    update(tmp_path, document)
    assert document.read_text() == text


def test_a_table_without_new_records_stays(tmp_path):
    make("two-layer", "2026-01-01T00:00:00", 100_000.0).save(tmp_path)
    path = tmp_path / "performance.md"
    path.write_text(PROSE.replace("<!-- table: predict -->\n", "<!-- table: predict -->\nkept\n"))
    update(tmp_path, path)
    assert "<!-- table: predict -->\nkept\n<!-- end -->" in path.read_text()
    assert "old table" not in path.read_text()


def test_a_folder_without_valid_records_changes_nothing(tmp_path):
    make("two-layer", "2026-01-03T00:00:00", 9e9, ["a loss differs"]).save(tmp_path)
    path = tmp_path / "performance.md"
    path.write_text(PROSE)
    with pytest.raises(SystemExit, match=r"no valid record in .*; the tables are unchanged"):
        update(tmp_path, path)
    assert path.read_text() == PROSE


def test_records_of_another_folder_are_added_to_the_projects_records(tmp_path, monkeypatch):
    own, other = tmp_path / "own", tmp_path / "other"
    make("two-layer", "2026-01-01T00:00:00", 100_000.0).save(own)
    make("convnet", "2026-01-01T00:00:00", 70_000.0).save(own)
    make("two-layer", "2026-01-02T00:00:00", 150_000.0).save(other)
    path = tmp_path / "performance.md"
    path.write_text(PROSE)
    monkeypatch.setattr(document, "DOCUMENT", path)
    monkeypatch.setattr(document, "FOLDER", own)
    update(other, path)
    text = path.read_text()
    assert "| convnet, batch 64 | images/s | 70,000 (compiled)" in text
    assert "| two-layer, batch 64 | images/s | 150,000 (compiled)" in text
    assert "100,000" not in text


def test_details_have_one_line_per_competitor_with_the_best_first():
    lines = details(make("two-layer", "2026-01-01", 10_000.0)).splitlines()
    assert lines[0] == "| two-layer | images/s | min | max | handgrad's advantage (×) |"
    assert [line.split(" | ")[0] for line in lines[2:]] == ["| JAX", "| handgrad"]


def test_a_start_record_shows_its_stages():
    record = Record("start", "command", {}, {"wall": "low"})
    record.series["handgrad"] = Series("command", "ours", [{"wall": 2.0}])
    assert details(record).splitlines()[0] == "| command | seconds | min | max |"
    record.series["handgrad"].rounds[0]["import"] = 0.1
    assert details(record).splitlines()[0].endswith("| max | import, s |")


def test_details_show_the_speedup_over_each_peer():
    record = make("two-layer", "2026-01-01", 100_000.0)
    record.series["torch"] = Series("PyTorch", "peer", [{"images_per_second": 200_000.0}])
    ends = [line.split(" | ")[-1] for line in details(record).splitlines()[2:]]
    assert ends == ["0.50 |", " |", "2.00 |"]  # PyTorch, ours, JAX


def test_details_compare_each_competitor_with_the_baseline():
    record = make("two-layer", "2026-01-01", 100_000.0)
    record.series["limit"] = Series("the limit", "limit", [{"images_per_second": 125_000.0}])
    record.baseline = "limit"
    lines = details(record).splitlines()
    assert lines[0].endswith('| relative to "the limit" |')
    assert [line.split(" | ")[-1] for line in lines[2:]] == ["100% |", "80% |", "40% |"]


def test_cases_have_details_and_no_overview(tmp_path):
    record = Record("scale", "online-mlp", {}, {"images_per_second": "high"})
    record.series["few"] = Series("few", "case", [{"images_per_second": 10.0}])
    record.series["many"] = Series("many", "case", [{"images_per_second": 9.0}])
    record.baseline = "few"
    record.save(tmp_path)
    text = section([read(next(tmp_path.iterdir()))], "scale")
    assert text.startswith('| online-mlp | images/s | min | max | relative to "few" |')
    assert "| many | 9 | 9 | 9 | 90% |" in text


def test_an_accuracy_record_names_the_configurations():
    record = make("dense", "2026-01-01", 1.0)
    record.setup["configs"] = TARGETS["dense"]
    words = "dense-64, 2 epochs, batch 128, learning rate 0.04, warm-up 20%"
    assert f"handgrad trains with {words}." in source(record)
    assert "label smoothing 0.1" in describe(TARGETS["convolutional"]["handgrad"])


def test_a_record_without_handgrad_is_not_in_the_overview():
    record = make("two-layer", "2026-01-01", 1.0)
    del record.series["compiled"]
    assert len(overview([record]).splitlines()) == 2


def test_numbers_have_three_significant_digits():
    assert [number(v) for v in (123_456.7, 99.94, 0.012345)] == ["123,457", "99.9", "0.0123"]
