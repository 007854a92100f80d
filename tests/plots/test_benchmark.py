import pytest

from handgrad import plots
from handgrad.errors import DataError


def test_runs_stand_one_after_another_with_the_highest_so_far():
    laps = [plots.Lap([1, 2], [0.5, 0.7]), plots.Lap([4, 5, 9], [0.4, 0.9, 0.8], chosen=True)]
    axes = plots.race([*laps, plots.Lap([10.0], [0.6])]).axes[0]
    first, second, third, highest = axes.lines
    assert first.get_xdata().tolist() == [1, 2]
    assert second.get_ydata().tolist() == [0.4, 0.9, 0.8]
    assert second.get_linewidth() > first.get_linewidth() == third.get_linewidth()
    assert highest.get_ydata().tolist() == [0.5, 0.7, 0.7, 0.9, 0.9, 0.9]
    words = [text.get_text() for text in axes.get_legend().texts]
    assert words == ["other trials", "what was chosen", "highest so far"]
    assert plots.race(laps, 300).axes[0].get_xlim() == (0, 300)


def test_nothing_cannot_be_drawn():
    with pytest.raises(DataError, match="no runs to draw; train first"):
        plots.race([])
