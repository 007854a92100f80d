import pytest

from benchmarks import document
from benchmarks.document import renew, section, source
from benchmarks.recipes import MARKS, in_words
from benchmarks.record import Record, Series, read
from benchmarks.tables import details, number, overview

PROSE = """# Title

<!-- table: train -->
of yesterday
<!-- end -->

Prose.

<!-- table: predict -->
<!-- end -->
"""


def make(label, date, lr, troubles=()):
    record = Record("train", label, {"batch": 64}, {"images_per_second": "high"})
    record.troubles = list(troubles)
    record.about["date"] = date
    record.series["compiled"] = Series("handgrad", "ours", [{"images_per_second": lr}])
    record.series["jax"] = Series("JAX", "peer", [{"images_per_second": 50_000.0}])
    return record


def test_tables_stand_between_the_marks_and_the_prose_stays(tmp_path):
    make("two-layer", "2026-01-01T00:00:00", 100_000.0).save(tmp_path)
    make("two-layer", "2026-01-02T00:00:00", 150_000.0).save(tmp_path)
    make("two-layer", "2026-01-03T00:00:00", 9e9, ["a loss differs"]).save(tmp_path)
    document = tmp_path / "performance.md"
    document.write_text(PROSE)
    renew(tmp_path, document)
    text = document.read_text()
    assert text.startswith("# Title\n\n<!-- table: train -->\n")
    assert "\n\nProse.\n\n" in text
    assert "of yesterday" not in text
    assert "150,000 (compiled) | 50,000 (JAX) |  | **3.00** |" in text  # the newest that counts
    assert "<!-- table: predict -->\nNo record yet.\n<!-- end -->" in text
    renew(tmp_path, document)
    assert document.read_text() == text


def test_a_table_without_new_records_stays(tmp_path):
    make("two-layer", "2026-01-01T00:00:00", 100_000.0).save(tmp_path)
    path = tmp_path / "performance.md"
    path.write_text(PROSE.replace("<!-- table: predict -->\n", "<!-- table: predict -->\nkept\n"))
    renew(tmp_path, path)
    assert "<!-- table: predict -->\nkept\n<!-- end -->" in path.read_text()
    assert "of yesterday" not in path.read_text()


def test_a_folder_whose_records_do_not_count_changes_nothing(tmp_path):
    make("two-layer", "2026-01-03T00:00:00", 9e9, ["a loss differs"]).save(tmp_path)
    path = tmp_path / "performance.md"
    path.write_text(PROSE)
    with pytest.raises(SystemExit, match="counts; the tables stay as they are"):
        renew(tmp_path, path)
    assert path.read_text() == PROSE


def test_the_projects_own_records_stand_beside_those_of_another_folder(tmp_path, monkeypatch):
    own, other = tmp_path / "own", tmp_path / "other"
    make("two-layer", "2026-01-01T00:00:00", 100_000.0).save(own)
    make("convnet", "2026-01-01T00:00:00", 70_000.0).save(own)
    make("two-layer", "2026-01-02T00:00:00", 150_000.0).save(other)
    path = tmp_path / "performance.md"
    path.write_text(PROSE)
    monkeypatch.setattr(document, "DOCUMENT", path)
    monkeypatch.setattr(document, "FOLDER", own)
    renew(other, path)
    text = path.read_text()
    assert "| convnet, batch 64 | images/s | 70,000 (compiled)" in text
    assert "| two-layer, batch 64 | images/s | 150,000 (compiled)" in text
    assert "100,000" not in text


def test_details_have_a_line_for_each_contestant_best_first():
    lines = details(make("two-layer", "2026-01-01", 10_000.0)).splitlines()
    assert lines[0] == "| two-layer | images/s | from | to | handgrad ahead, times |"
    assert [line.split(" | ")[0] for line in lines[2:]] == ["| JAX", "| handgrad"]


def test_a_start_shows_its_parts_where_they_are_known():
    record = Record("start", "command", {}, {"wall": "low"})
    record.series["handgrad"] = Series("command", "ours", [{"wall": 2.0}])
    assert details(record).splitlines()[0] == "| command | seconds | from | to |"
    record.series["handgrad"].rounds[0]["import"] = 0.1
    assert details(record).splitlines()[0].endswith("| to | import, s |")


def test_details_say_how_far_ahead_of_each_peer_we_are():
    record = make("two-layer", "2026-01-01", 100_000.0)
    record.series["torch"] = Series("PyTorch", "peer", [{"images_per_second": 200_000.0}])
    ends = [line.split(" | ")[-1] for line in details(record).splitlines()[2:]]
    assert ends == ["0.50 |", " |", "2.00 |"]  # PyTorch, ours, JAX


def test_everybody_has_a_share_of_the_yardstick():
    record = make("two-layer", "2026-01-01", 100_000.0)
    record.series["limit"] = Series("the limit", "limit", [{"images_per_second": 125_000.0}])
    record.yardstick = "limit"
    lines = details(record).splitlines()
    assert lines[0].endswith("| of the limit |")
    assert [line.split(" | ")[-1] for line in lines[2:]] == ["100% |", "80% |", "40% |"]


def test_cases_of_ours_have_details_and_no_overview(tmp_path):
    record = Record("scale", "online-mlp", {}, {"images_per_second": "high"})
    record.series["few"] = Series("few", "case", [{"images_per_second": 10.0}])
    record.series["many"] = Series("many", "case", [{"images_per_second": 9.0}])
    record.yardstick = "few"
    record.save(tmp_path)
    text = section([read(next(tmp_path.iterdir()))], "scale")
    assert text.startswith("| online-mlp | images/s | from | to | of few |")
    assert "| many | 9 | 9 | 9 | 90% |" in text


def test_the_recipes_stand_under_an_accuracy():
    record = make("dense", "2026-01-01", 1.0)
    record.subject["recipes"] = MARKS["dense"]
    words = "dense-64, 2 epochs, batch 128, rate 0.04 after a warm-up of 20%"
    assert f"The recipe of handgrad: {words}." in source(record)
    assert "smoothed by 0.1" in in_words(MARKS["convolutional"]["handgrad"])


def test_a_record_without_ours_has_no_line_in_the_overview():
    record = make("two-layer", "2026-01-01", 1.0)
    del record.series["compiled"]
    assert len(overview([record]).splitlines()) == 2


def test_numbers_keep_three_digits_that_count():
    assert [number(v) for v in (123_456.7, 99.94, 0.012345)] == ["123,457", "99.9", "0.0123"]
