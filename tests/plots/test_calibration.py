import numpy as np

from handgrad import plots
from handgrad.calibration import reliability

P = np.array([[0.95, 0.05], [0.91, 0.09], [0.4, 0.6], [1.0, 0.0]])
Y = np.array([0, 1, 1, 0])


def test_each_bin_is_a_dot_whose_area_grows_with_the_predictions():
    axes = plots.reliability(reliability(P, Y)).axes[0]
    (dots,) = axes.collections
    np.testing.assert_allclose(dots.get_offsets(), [[0.6, 1], [0.91, 0], [0.975, 1]])
    small, _, large = dots.get_sizes()
    assert large > 1.5 * small
    assert [t.get_text() for t in axes.get_legend().texts] == [
        "perfectly calibrated",
        "predictions",
    ]


def test_the_reliability_before_calibration_is_drawn_too():
    found = reliability(P, Y)
    axes = plots.reliability(found, before=found).axes[0]
    assert len(axes.collections) == 2
    words = [t.get_text() for t in axes.get_legend().texts]
    assert words == ["perfectly calibrated", "before", "calibrated"]
