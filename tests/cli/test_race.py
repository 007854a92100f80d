import io

import pytest
from rich.console import Console

from handgrad.auto import Moment, Trial
from handgrad.cli.race import HEIGHT, chart, told, watching
from handgrad.runs.settings import configure
from handgrad.train import Epoch


def moment(seconds, *accuracies, best=0.8, over=False, **facts):
    records = [Epoch(n, 1.0, 0.5, 1.0, a, 0.1, 1.0, 1.0, True) for n, a in enumerate(accuracies, 1)]
    trial = Trial("short", configure({"epochs": 3}, {}), records=records, **facts)
    return Moment(seconds, trial, best, over)


def unjudged(moment):
    """Return a moment of a training that sets no images aside."""
    moment.trial.config = configure({"epochs": 3, "validation": 0}, {})
    return moment


MOMENTS = [moment(1, 0.55, best=0.55), moment(2, 0.55, 0.8), moment(2.04, 0.55, 0.8, over=True)]


@pytest.mark.parametrize(
    ("what", "words"),
    [
        (MOMENTS[0], "epoch 1/3, 55.00%"),
        (MOMENTS[2], "epoch 2/3, 80.00% (best so far)"),
        (moment(3, 0.7, over=True), "epoch 1/3, 70.00%"),
        (unjudged(moment(3, None, None)), "epoch 2/3"),
        (moment(3, over=True), "no epoch in the time it had"),
        (moment(3, 0.7, over=True, diverged=True), "a number was not finite"),
    ],
)
def test_a_moment_in_a_line(what, words):
    assert told(what) == f"{what.seconds:5.1f} s  tried       smallnet, learning rate 0.01: {words}"


def shown(**options):
    file = io.StringIO()
    with watching(Console(file=file, width=60, color_system=None, **options), 10) as watch:
        for each in MOMENTS:
            watch(each)
    return file.getvalue()


def test_without_a_terminal_there_is_a_line_for_each_trial():
    assert shown(force_terminal=False) == f"{told(MOMENTS[2])}\n"
    assert shown(force_terminal=True, quiet=True) == ""


def test_a_terminal_gets_a_chart_and_a_bar():
    text = shown(force_terminal=True)
    assert told(MOMENTS[2]) in text
    assert "accuracy on validation images against seconds" in text
    assert "of 0:10" in text


def test_the_chart_has_each_epoch_and_the_best_so_far():
    lines = chart(MOMENTS, 10, 20).plain.splitlines()[1:]
    assert len(lines) == HEIGHT + 1
    assert [line[:5] for line in (lines[0], lines[-1])] == ["100% ", "     "]
    marks = [(row, line.index("●")) for row, line in enumerate(lines) if "●" in line]
    assert marks == [(3, 6 + 4), (8, 6 + 2)]  # 80 % after 2 seconds, 55 % after 1
    assert not any("·" in line for line in lines)  # the best covers them
