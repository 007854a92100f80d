import io

import pytest
from rich.console import Console

from handgrad.cli.epochs import COLUMNS, fitting, line, row, watching
from handgrad.train import Epoch

FIRST = Epoch(1, 2.3456789, 0.123456, 1.5, 0.5, 0.001, 1.26, 12345.6, best=True)
SECOND = Epoch(2, 1.0, 1.0, None, None, 1e-8, 60.0, 9.0, best=False)


def shown(width, **options):
    file = io.StringIO()
    console = Console(file=file, width=width, **options)
    with watching(console, 2) as watch:
        watch.epoch(FIRST)
        watch.epoch(SECOND)
    return file.getvalue()


def test_a_line_needs_no_heading():
    assert line(FIRST, 10) == (
        "epoch 1/10: loss 2.3457 accuracy 12.35%, validation loss 1.5000 accuracy 50.00%, "
        "rate 0.001, 1.3 s, 12,346 images/s"
    )
    assert line(SECOND, 10) == (
        "epoch 2/10: loss 1.0000 accuracy 100.00%, rate 1e-08, 60.0 s, 9 images/s"
    )


def test_without_a_terminal_there_is_one_plain_line_an_epoch():
    assert shown(20, force_terminal=False) == f"{line(FIRST, 2)}\n{line(SECOND, 2)}\n"


def test_nothing_is_shown_where_it_is_quiet():
    assert shown(80, force_terminal=True, quiet=True) == ""


def test_a_terminal_gets_a_table_and_a_bar():
    text = shown(100, force_terminal=True, color_system=None)
    assert "epoch     loss  accuracy  val. loss  val. accuracy      rate  seconds  images/s" in text
    assert (
        "    1   2.3457    12.35%     1.5000         50.00%     0.001      1.3      12,346 *"
        in text
    )
    assert (
        "    2   1.0000   100.00%          -              -     1e-08     60.0           9" in text
    )
    assert "epoch 1 of 2" in text
    assert "epoch 2 of 2" in text


def test_the_bar_moves_within_an_epoch():
    def drawn(made):
        file = io.StringIO()
        console = Console(file=file, width=80, force_terminal=True, color_system=None)
        with watching(console, 2) as watch:
            watch.progress(made)
        return file.getvalue().count("━")

    assert drawn(0) < drawn(0.5) < drawn(1.5)


def test_where_there_is_no_bar_nobody_counts():
    with watching(Console(file=io.StringIO()), 2) as watch:
        assert watch.progress is None


def test_the_best_epoch_is_green_and_has_a_star():
    columns = list(COLUMNS)
    assert row(FIRST, columns).plain.endswith(" *")
    assert str(row(FIRST, columns).spans[0].style) == "green"
    assert not row(SECOND, columns).spans


@pytest.mark.parametrize(
    ("width", "headings"),
    [
        (200, "epoch loss accuracy val. loss val. accuracy rate seconds images/s"),
        (80, "epoch loss accuracy val. loss val. accuracy rate seconds"),
        (60, "epoch loss accuracy val. loss val. accuracy"),
        (46, "epoch accuracy val. loss val. accuracy"),
        (25, "epoch val. accuracy"),
        (3, "epoch"),
    ],
)
def test_a_narrow_terminal_gets_the_columns_that_matter_most(width, headings):
    assert " ".join(column.heading for column in fitting(width)) == headings


@pytest.mark.parametrize("width", [25, 46, 80, 120])
def test_no_line_is_wider_than_the_terminal(width):
    columns = fitting(width)
    assert len(row(FIRST, columns).plain) <= width
