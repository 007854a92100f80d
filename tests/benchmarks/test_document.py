from benchmarks.document import renew
from benchmarks.record import Record, Series
from benchmarks.tables import details, number, overview

PROSE = """# Title

<!-- table: train -->
of yesterday
<!-- end -->

Prose.

<!-- table: predict -->
<!-- end -->
"""


def make(label, date, rate, troubles=()):
    record = Record("train", label, {"batch": 64}, {"pictures_per_second": "high"})
    record.troubles = list(troubles)
    record.about["date"] = date
    record.series["compiled"] = Series("handgrad", "ours", [{"pictures_per_second": rate}])
    record.series["jax"] = Series("JAX", "peer", [{"pictures_per_second": 50_000.0}])
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


def test_details_have_a_line_for_each_contestant_best_first():
    lines = details(make("two-layer", "2026-01-01", 10_000.0)).splitlines()
    assert lines[0] == "| two-layer | pictures/s | from | to |"
    assert [line.split(" | ")[0] for line in lines[2:]] == ["| JAX", "| handgrad"]


def test_a_start_shows_its_parts_where_they_are_known():
    record = Record("start", "command", {}, {"wall": "low"})
    record.series["handgrad"] = Series("command", "ours", [{"wall": 2.0}])
    assert details(record).splitlines()[0] == "| command | seconds | from | to |"
    record.series["handgrad"].rounds[0]["import"] = 0.1
    assert details(record).splitlines()[0].endswith("| import, s | from | to |")


def test_a_record_without_ours_has_no_line_in_the_overview():
    record = make("two-layer", "2026-01-01", 1.0)
    del record.series["compiled"]
    assert len(overview([record]).splitlines()) == 2


def test_numbers_keep_three_digits_that_count():
    assert [number(v) for v in (123_456.7, 99.94, 0.012345)] == ["123,457", "99.9", "0.0123"]
