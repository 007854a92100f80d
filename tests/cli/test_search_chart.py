import io

import pytest
from rich.console import Console

from handgrad.automl import SearchProgress, Trial
from handgrad.cli.search_chart import HEIGHT, chart, print_trial, progress_line, show_progress
from handgrad.runs.settings import configure
from handgrad.train import Epoch


def progress(seconds, *accuracies, best=0.8, is_over=False, **fields):
    records = [Epoch(n, 1.0, 0.5, 1.0, a, 0.1, 1.0, 1.0, True) for n, a in enumerate(accuracies, 1)]
    trial = Trial("short", configure({"epochs": 3}, {}), records=records, **fields)
    return SearchProgress(seconds, trial, best, is_over)


def without_validation(progress):
    progress.trial.config = configure({"epochs": 3, "validation": 0}, {})
    return progress


PAST = [
    progress(1, 0.55, best=0.55),
    progress(2, 0.55, 0.8),
    progress(2.04, 0.55, 0.8, is_over=True),
]


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (PAST[0], "epoch 1/3, 55.00%"),
        (PAST[2], "epoch 2/3, 80.00% (best so far)"),
        (progress(3, 0.7, is_over=True), "epoch 1/3, 70.00%"),
        (without_validation(progress(3, None, None)), "epoch 2/3"),
        (progress(3, is_over=True), "ran out of time before its first epoch ended"),
        (progress(3, 0.7, is_over=True, diverged=True), "diverged: a value is NaN or infinite"),
    ],
)
def test_progress_in_one_line(state, words):
    assert progress_line(state) == (
        f"{state.seconds:5.1f} s  short       smallnet, learning rate 0.01: {words}"
    )


def shown(**options):
    file = io.StringIO()
    with show_progress(Console(file=file, width=60, color_system=None, **options), 10) as show:
        for each in PAST:
            show(each)
    return file.getvalue()


def test_without_a_terminal_each_trial_is_one_line():
    assert shown(force_terminal=False) == f"{progress_line(PAST[2])}\n"
    assert shown(force_terminal=True, quiet=True) == ""


def test_a_terminal_shows_a_chart_and_a_bar():
    text = shown(force_terminal=True)
    assert " ".join(progress_line(PAST[2]).split()) in " ".join(text.split())
    assert "validation accuracy (time in seconds)" in text
    assert "of 0:10" in text


def test_the_chart_shows_each_epoch_and_the_best_so_far():
    lines = chart(PAST, 10, 20).plain.splitlines()[1:]
    assert len(lines) == HEIGHT + 1
    assert [line[:5] for line in (lines[0], lines[-1])] == ["100% ", "     "]
    marks = [(row, line.index("●")) for row, line in enumerate(lines) if "●" in line]
    assert marks == [(3, 6 + 4), (8, 6 + 2)]  # 80 % after 2 seconds, 55 % after 1
    assert not any("·" in line for line in lines)  # the best covers them


@pytest.mark.parametrize("width", [30, 44, 60])
def test_a_terminal_wraps_a_trial_between_words(width):
    file = io.StringIO()
    console = Console(file=file, width=width, color_system=None, force_terminal=True)
    print_trial(console, PAST[2])
    lines = file.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    assert " ".join(" ".join(lines).split()) == " ".join(progress_line(PAST[2]).split())
