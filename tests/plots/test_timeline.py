import pytest

from handgrad import plots
from handgrad.errors import DataError


def test_trials_follow_each_other_with_the_highest_accuracy_so_far():
    trials = [
        plots.TrialCurve([1, 2], [0.5, 0.7]),
        plots.TrialCurve([4, 5, 9], [0.4, 0.9, 0.8], chosen=True),
    ]
    axes = plots.trial_timeline([*trials, plots.TrialCurve([10.0], [0.6])]).axes[0]
    first, second, third, highest = axes.lines
    assert first.get_xdata().tolist() == [1, 2]
    assert second.get_ydata().tolist() == [0.4, 0.9, 0.8]
    assert second.get_linewidth() > first.get_linewidth() == third.get_linewidth()
    assert highest.get_ydata().tolist() == [0.5, 0.7, 0.7, 0.9, 0.9, 0.9]
    words = [text.get_text() for text in axes.get_legend().texts]
    assert words == ["other trials", "chosen trial", "highest so far"]
    assert plots.trial_timeline(trials, 300).axes[0].get_xlim() == (0, 300)


def test_no_trials_are_refused():
    with pytest.raises(DataError, match="no trials to draw; train first"):
        plots.trial_timeline([])
