import io

import pytest
from rich.console import Console

from handgrad.cli.epochs import (
    COLUMNS,
    duration_text,
    fitting,
    line,
    lr_text,
    row,
    showing_epochs,
)
from handgrad.train import Epoch

FIRST = Epoch(1, 2.3456789, 0.123456, 1.5, 0.5, 0.001, 1.26, 12345.6, best=True)
SECOND = Epoch(2, 1.0, 1.0, None, None, 1e-8, 60.0, 9.0, best=False)


def shown(width, **options):
    file = io.StringIO()
    console = Console(file=file, width=width, **options)
    with showing_epochs(console, 2) as display:
        display.epoch(FIRST)
        display.epoch(SECOND)
    return file.getvalue()


def test_a_line_contains_all_values_with_their_names():
    assert line(FIRST, 10) == (
        "epoch 1/10: loss 2.3457 accuracy 12.35%, validation loss 1.5000 accuracy 50.00%, "
        "lr 0.001, 1.3 s, 12,346 images/s"
    )
    assert line(SECOND, 10) == (
        "epoch 2/10: loss 1.0000 accuracy 100.00%, lr <0.0001, 1.0 min, 9 images/s"
    )


def test_each_epoch_is_one_line_without_a_terminal():
    assert shown(20, force_terminal=False) == f"{line(FIRST, 2)}\n{line(SECOND, 2)}\n"


def test_nothing_is_shown_if_quiet():
    assert shown(80, force_terminal=True, quiet=True) == ""


def test_terminal_shows_a_table_and_a_bar():
    text = shown(100, force_terminal=True, color_system=None)
    rows = [" ".join(line.split()) for line in text.splitlines()]
    assert "epoch loss accuracy val. loss val. accuracy lr time images/s" in rows
    assert any(row.endswith("1 2.3457 12.35% 1.5000 50.00% 0.001 1.3 s 12,346 *") for row in rows)
    assert any(row.endswith("2 1.0000 100.00% - - <0.0001 1.0 min 9") for row in rows)
    assert "epoch 1 of 2" in text
    assert "epoch 2 of 2" in text


def test_the_bar_moves_within_an_epoch():
    def drawn(made):
        file = io.StringIO()
        console = Console(file=file, width=80, force_terminal=True, color_system=None)
        with showing_epochs(console, 2) as display:
            display.progress(made)
        return file.getvalue().count("━")

    assert drawn(0) < drawn(0.5) < drawn(1.5)


def test_progress_is_none_without_a_bar():
    with showing_epochs(Console(file=io.StringIO()), 2) as display:
        assert display.progress is None


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0004, "0 ms"),
        (0.0123, "12 ms"),
        (0.9996, "1.0 s"),
        (59.9, "59.9 s"),
        (126, "2.1 min"),
        (5400, "1.5 h"),
    ],
)
def test_a_duration_has_the_unit_that_suits_it(seconds, text):
    assert duration_text(seconds) == text


def test_a_learning_rate_has_no_exponent():
    assert [lr_text(lr) for lr in (0.3, 0.000123, 4e-8, 0.0)] == ["0.3", "0.000123", "<0.0001", "0"]


def test_the_best_epoch_is_green_and_has_a_star():
    columns = list(COLUMNS)
    assert row(FIRST, columns).plain.endswith(" *")
    assert str(row(FIRST, columns).spans[0].style) == "green"
    assert not row(SECOND, columns).spans


@pytest.mark.parametrize(
    ("width", "headings"),
    [
        (200, "epoch loss accuracy val. loss val. accuracy lr time images/s"),
        (80, "epoch loss accuracy val. loss val. accuracy lr time"),
        (60, "epoch loss accuracy val. loss val. accuracy"),
        (46, "epoch accuracy val. loss val. accuracy"),
        (25, "epoch val. accuracy"),
        (3, "epoch"),
    ],
)
def test_narrow_terminal_shows_the_most_important_columns(width, headings):
    assert " ".join(column.heading for column in fitting(width)) == headings


@pytest.mark.parametrize("width", [25, 46, 80, 120])
def test_no_line_is_wider_than_the_terminal(width):
    columns = fitting(width)
    assert len(row(FIRST, columns).plain) <= width
