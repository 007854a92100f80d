"""The curves show the values of the history."""

from __future__ import annotations

import numpy as np
import pytest

from handgrad import plots
from handgrad.errors import DataError
from handgrad.train.history import History
from tests.plots.figure_checks import assert_nothing_cut_or_overlapping, titles
from tests.plots.samples import a_history


@pytest.mark.parametrize("epochs", [1, 2, 200])
def test_learning_curves_show_loss_and_accuracy_on_both_sets(epochs):
    history = a_history(epochs, best=1)
    figure = plots.learning_curves(history)
    assert titles(figure) == ["loss", "accuracy"]
    training, validation, best = figure.axes[0].lines
    np.testing.assert_array_equal(training.get_xdata(), range(1, epochs + 1))
    np.testing.assert_array_equal(training.get_ydata(), [e.loss for e in history])
    np.testing.assert_array_equal(validation.get_ydata(), [e.validation_loss for e in history])
    accuracy = figure.axes[1].lines[1]
    np.testing.assert_array_equal(accuracy.get_ydata(), [e.validation_accuracy for e in history])
    assert list(best.get_xdata()) == [1, 1]
    assert training.get_linestyle() != validation.get_linestyle()
    legend = [text.get_text() for text in figure.legends[0].texts]
    assert legend == ["training", "validation", "best epoch: 1"]
    assert_nothing_cut_or_overlapping(figure)


def test_one_epoch_is_a_point_at_epoch_1():
    axes = plots.learning_curves(a_history(1)).axes[0]
    assert axes.lines[0].get_marker() == "o"
    assert [tick for tick in axes.get_xticks() if 0.5 <= tick <= 1.5] == [1]


def test_without_validation_there_is_one_curve():
    figure = plots.learning_curves(a_history(3, validation=False))
    assert [line.get_label() for line in figure.axes[0].lines] == ["training", "best epoch: 3"]


@pytest.mark.parametrize(("last", "scale"), [(0.5, "linear"), (0.001, "log"), (np.nan, "linear")])
def test_the_loss_is_logarithmic_if_it_falls_far(last, scale):
    figure = plots.learning_curves(a_history(40, validation=False, last=last))
    assert figure.axes[0].get_yscale() == scale
    assert_nothing_cut_or_overlapping(figure)


def test_an_empty_history_is_refused():
    with pytest.raises(DataError, match=r"^the history has no epochs to draw; train first$"):
        plots.learning_curves(History())
