"""Images are shown unchanged, with captions for their true and predicted classes."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.colors import to_hex

import handgrad as hg
from handgrad import plots
from handgrad.errors import ConfigError, DataError
from tests.plots.figure_checks import assert_nothing_cut_or_overlapping, titles
from tests.plots.samples import FASHION, LONG, random_images


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_images_are_shown_unchanged(channels, dtype):
    X = random_images(6, channels, dtype)
    figure = plots.images(X, np.arange(6) % 3, LONG)
    assert figure.get_suptitle() == "images: 6"
    (axes,) = figure.axes
    assert len(axes.images) == 6
    shown = axes.images[4]
    expected = random_images(6, channels)[4] / 255
    if channels == 1:
        rgba = shown.to_rgba(shown.get_array())
        np.testing.assert_allclose(rgba[..., 0], expected[0], atol=0.5 / 255 + 1e-9)
    else:
        scale = 255 if dtype == np.uint8 else 1
        np.testing.assert_allclose(shown.get_array() / scale, expected.transpose(1, 2, 0), 1e-6)
    assert_nothing_cut_or_overlapping(figure)


def test_the_arguments_are_not_changed():
    X = random_images(3, dtype=np.float32) * 4 - 2
    X.flags.writeable = False
    shown = plots.images(X, [0, 1, 2], LONG).axes[0].images[0].get_array()
    np.testing.assert_allclose(shown, (X[0, 0] - X.min()) / np.ptp(X), atol=1e-6)


def test_correct_and_wrong_differ_in_colour_mark_and_text():
    p = np.full((3, 10), 0.01)
    p[[0, 1, 2], [9, 6, 8]] = 0.91
    figure = plots.predictions(random_images(3), [9, 0, 8], [9, 6, 8], FASHION, p)
    assert figure.get_suptitle() == "2 of 3 correct"
    assert titles(figure) == [
        "✓ Ankle boot · 91.0 %",
        "✗ Shirt · 91.0 %\nis T-shirt/top",
        "✓ Bag · 91.0 %",
    ]
    (axes,) = figure.axes
    words = [to_hex(text.get_color()).upper() for text in axes.texts]
    frames = [to_hex(frame.get_edgecolor()).upper() for frame in axes.patches]
    assert words == frames == [plots.GREEN, plots.VERMILION, plots.GREEN]
    assert_nothing_cut_or_overlapping(figure)


def test_predictions_without_probabilities_and_with_class_numbers():
    figure = plots.predictions(random_images(2), [3, 4], np.array([3, 5], np.uint8), range(10))
    assert titles(figure) == ["✓ 3", "✗ 5\nis 4"]


@pytest.mark.parametrize("names", [["cat", "dog", "owl"], [3, 5, 8], [-1, 0, 1]], ids=str)
def test_predictions_may_be_names(names):
    X = random_images(3)
    figure = plots.predictions(X, [0, 1, 2], np.array(names)[[0, 2, 2]], names)
    assert titles(figure) == [f"✓ {names[0]}", f"✗ {names[2]}\nis {names[1]}", f"✓ {names[2]}"]
    net = hg.Network([hg.Flatten(), hg.Dense()], X.shape[1:], 2)
    model = hg.Classifier(net, ["cat", "dog"])
    guess = net.logits(X).argmax(axis=1)
    by_name = plots.predictions(X, [0, 1, 0], model.predict(X), model.classes)
    assert titles(by_name) == titles(plots.predictions(X, [0, 1, 0], guess, model.classes))


@pytest.mark.parametrize(
    ("predicted", "sentence"),
    [
        (["cat", "cow"], r"predicted contains 'cow', which is not a class; pass class names"),
        ([0, 2], r"predicted must lie in 0\.\.1, not in 0\.\.2"),
        ([0.0, 1.0], r"predicted must be whole numbers \(N,\), not float64 \(2,\)"),
    ],
)
def test_predictions_that_name_no_class_are_refused(predicted, sentence):
    with pytest.raises(DataError, match=f"^{sentence}$"):
        plots.predictions(random_images(2), [0, 1], predicted, ["cat", "dog"])


@pytest.mark.usefixtures("at_most_5")
def test_the_heading_counts_all_images_if_few_are_drawn():
    figure = plots.predictions(np.zeros((6, 1, 2, 2)), [0, 1] * 3, [0] * 6, "ab")
    assert titles(figure) == ["✓ a", "✗ a\nis b", "✓ a", "✗ a\nis b", "✓ a"]
    assert figure.get_suptitle() == "3 of 6 correct, the first 5 shown"


@pytest.mark.usefixtures("at_most_5")
def test_of_many_images_the_first_are_drawn():
    figure = plots.images(np.zeros((6, 1, 2, 2)), range(6), "abcdef")
    assert titles(figure) == ["a", "b", "c", "d", "e"]
    assert figure.get_suptitle() == "images: 6, the first 5 shown"


def test_the_most_confident_mistakes_come_first():
    p = np.array([[0.9, 0.1], [0.2, 0.8], [0.4, 0.6], [0.3, 0.7], [0.05, 0.95]])
    y = np.array([1, 0, 1, 0, 1])
    figure = plots.confident_mistakes(random_images(5), y, p, ["cat", "dog"], count=2)
    assert titles(figure) == ["✗ cat · 90.0 %\nis dog", "✗ dog · 80.0 %\nis cat"]
    assert figure.get_suptitle() == "mistakes: 3 of 5, the 2 most confident shown"
    np.testing.assert_array_equal(figure.axes[0].images[0].get_array(), random_images(5)[0, 0])
    assert_nothing_cut_or_overlapping(figure)
    whole = plots.confident_mistakes(random_images(5), y, p, ["cat", "dog"], count=3)
    assert whole.get_suptitle() == "mistakes: 3 of 5"


def test_no_mistakes_give_a_heading_only():
    figure = plots.confident_mistakes(random_images(2), [0, 1], np.eye(2), "ab")
    assert figure.get_suptitle() == "mistakes: 0 of 2"
    assert not figure.axes
    assert_nothing_cut_or_overlapping(figure)


@pytest.mark.parametrize("count", [0, 101])
def test_a_count_of_mistakes_out_of_range_is_refused(count):
    with pytest.raises(ConfigError, match=rf"^count must be 1 to 100, not {count}$"):
        plots.confident_mistakes(random_images(2), [0, 1], np.eye(2), "ab", count=count)
