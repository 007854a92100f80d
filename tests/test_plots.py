"""Each figure says what it must, nothing is cut off, and files are whole and repeatable."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pytest
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from PIL import Image

from handgrad import plots
from handgrad.errors import ConfigError, DataError, ModelError
from handgrad.layers import (
    AvgPool2d,
    BatchNorm,
    Conv2d,
    Dense,
    Flatten,
    GlobalAvgPool2d,
    Normalize,
    ReLU,
    Residual,
)
from handgrad.network import Network
from handgrad.training.history import Epoch, History

FASHION = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
LONG = ("a name of many words, longer than the picture is wide", "x" * 45, "$5 and $6")


def random_pictures(count, channels=1, dtype=np.uint8, seed=0):
    pictures = np.random.default_rng(seed).integers(0, 256, (count, channels, 7, 9), np.uint8)
    return pictures if dtype == np.uint8 else (pictures / 255).astype(dtype)


def a_history(epochs, validation=True, first=2.0, last=0.5, best=None):
    losses = np.geomspace(first, last, epochs)
    return History(
        [
            Epoch(
                number=n,
                loss=float(loss),
                accuracy=n / (epochs + 1),
                validation_loss=float(loss) + 0.1 if validation else None,
                validation_accuracy=n / (epochs + 2) if validation else None,
                rate=1e-3,
                seconds=1.0,
                pictures_per_second=1.0,
                best=n <= (best or epochs),
            )
            for n, loss in enumerate(losses, start=1)
        ]
    )


def titles(figure):
    return [axes.get_title() for axes in figure.axes]


def contrast(one, other):
    """Return the contrast of two colours, 1 to 21 (WCAG 2.2)."""
    light = [linear(to_rgb(colour)) @ (0.2126, 0.7152, 0.0722) for colour in (one, other)]
    return (max(light) + 0.05) / (min(light) + 0.05)


def linear(rgb):
    rgb = np.asarray(rgb)
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def assert_nothing_cut_or_overlapping(figure):
    """All words lie within the figure, and no title touches another."""
    figure.draw_without_rendering()
    whole = figure.bbox
    texts = [figure._suptitle] if figure.get_suptitle() else []
    for axes in figure.axes:
        parts = [axes.title, axes.xaxis.label, axes.yaxis.label]
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            parts += [t.label1 for t in axis.get_major_ticks() if low <= t.get_loc() <= high]
        texts += [text for text in parts if text.get_text() and text.get_visible()]
    boxes = [text.get_window_extent() for text in texts]
    for text, box in zip(texts, boxes, strict=True):
        inside = box.x0 >= 0 and box.y0 >= 0 and box.x1 <= whole.x1 and box.y1 <= whole.y1
        assert inside, f"{text.get_text()!r} is cut off"
    for at, box in enumerate(boxes):
        for other in boxes[:at]:
            assert not box.overlaps(other), f"{texts[at].get_text()!r} overlaps another"


# Learning curves


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


def test_one_epoch_is_seen_as_a_point_at_epoch_1():
    axes = plots.learning_curves(a_history(1)).axes[0]
    assert axes.lines[0].get_marker() == "o"
    assert [tick for tick in axes.get_xticks() if 0.5 <= tick <= 1.5] == [1]


def test_without_validation_there_is_one_curve():
    figure = plots.learning_curves(a_history(3, validation=False))
    assert [line.get_label() for line in figure.axes[0].lines] == ["training", "best epoch: 3"]


@pytest.mark.parametrize(("last", "scale"), [(0.5, "linear"), (0.001, "log"), (np.nan, "linear")])
def test_the_loss_is_logarithmic_where_it_falls_far(last, scale):
    figure = plots.learning_curves(a_history(40, validation=False, last=last))
    assert figure.axes[0].get_yscale() == scale
    assert_nothing_cut_or_overlapping(figure)


def test_an_empty_history_is_refused():
    with pytest.raises(DataError, match=r"^the history has no epochs to draw; train first$"):
        plots.learning_curves(History())


# First-layer weights


def test_dense_weights_are_pictures_on_one_scale_centred_on_zero():
    net = Network([Normalize(), Flatten(), Dense()], (1, 4, 6), FASHION, seed=1)
    figure = plots.first_layer_weights(net)
    *pictures, bar = figure.axes
    weight = net.parameters["2.weight"]
    assert tuple(titles(figure)[:-1]) == FASHION
    for unit, axes in enumerate(pictures):
        np.testing.assert_array_equal(axes.images[0].get_array(), weight[unit].reshape(4, 6))
        low, high = axes.images[0].get_clim()
        assert high == -low == pytest.approx(np.abs(weight).max())
    assert bar.get_ylim() == pytest.approx((-np.abs(weight).max(), np.abs(weight).max()))
    assert figure.get_suptitle() == "layer 2 (Dense): weights of 10 units"
    assert_nothing_cut_or_overlapping(figure)


def test_channels_stand_side_by_side():
    net = Network([Flatten(), Dense()], (3, 4, 6), 2)
    image = plots.first_layer_weights(net).axes[1].images[0].get_array()
    weight = net.parameters["1.weight"][1].reshape(3, 4, 6)
    assert image.shape == (4, 3 * 6 + 2)
    for channel in range(3):
        np.testing.assert_array_equal(image[:, 7 * channel : 7 * channel + 6], weight[channel])


@pytest.mark.parametrize(
    ("layers", "name"),
    [
        ([Conv2d(5, 3), ReLU(), Flatten(), Dense()], "0.weight"),
        (
            [BatchNorm(), Residual((Conv2d(1, 3, padding=1),)), Flatten(), Dense()],
            "1.body.0.weight",
        ),
    ],
)
def test_kernels_are_pictures(layers, name):
    net = Network(layers, (1, 8, 8), 3)
    figure = plots.first_layer_weights(net)
    weight = net.parameters[name]
    assert len(figure.axes) == len(weight) + 1
    np.testing.assert_array_equal(figure.axes[0].images[0].get_array(), weight[0, 0])
    assert not any(titles(figure))


def test_pixels_made_larger_by_pooling_are_still_pixels():
    net = Network([AvgPool2d(2), Flatten(), Dense(7), Dense()], (1, 8, 8), 3)
    assert plots.first_layer_weights(net).axes[0].images[0].get_array().shape == (4, 4)


def test_of_many_units_the_first_100_are_drawn():
    net = Network([Flatten(), Dense(120), ReLU(), Dense()], (1, 3, 3), 3)
    figure = plots.first_layer_weights(net)
    assert len(figure.axes) == 100 + 1
    assert figure.get_suptitle().endswith("120 units, the first 100 shown")


def test_weights_that_are_all_zero_are_drawn():
    net = Network([Flatten(), Dense()], (1, 3, 3), 3)
    net.parameters["1.weight"][:] = 0
    assert plots.first_layer_weights(net).axes[0].images[0].get_clim() == (-1, 1)


@pytest.mark.parametrize(
    ("layers", "shape"), [([GlobalAvgPool2d(), Dense()], (1, 8, 8)), ([Dense()], (64,))]
)
def test_a_network_without_weights_on_pixels_is_refused(layers, shape):
    with pytest.raises(ModelError, match=r"^no Dense or Conv2d of this network sees pixels"):
        plots.first_layer_weights(Network(layers, shape, 3))


def test_weights_that_are_not_finite_are_refused():
    net = Network([Flatten(), Dense()], (1, 3, 3), 3)
    net.parameters["1.weight"][0, 0] = np.nan
    with pytest.raises(ModelError, match=r"layer 1 \(Dense\) has weights that are not finite; tr"):
        plots.first_layer_weights(net)


# Pictures, predictions, mistakes


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_pictures_are_shown_as_they_are(channels, dtype):
    X = random_pictures(6, channels, dtype)
    figure = plots.pictures(X, np.arange(6) % 3, LONG)
    assert figure.get_suptitle() == "pictures: 6"
    assert len(figure.axes) == 6
    shown = figure.axes[4].images[0]
    expected = random_pictures(6, channels)[4] / 255
    if channels == 1:
        rgba = shown.to_rgba(shown.get_array())
        np.testing.assert_allclose(rgba[..., 0], expected[0], atol=0.5 / 255 + 1e-9)
    else:
        scale = 255 if dtype == np.uint8 else 1
        np.testing.assert_allclose(shown.get_array() / scale, expected.transpose(1, 2, 0), 1e-6)
    assert_nothing_cut_or_overlapping(figure)


def test_the_callers_pictures_stay_as_they_were():
    X = random_pictures(3, dtype=np.float32) * 4 - 2
    X.flags.writeable = False
    shown = plots.pictures(X, [0, 1, 2], LONG).axes[0].images[0].get_array()
    np.testing.assert_allclose(shown, (X[0, 0] - X.min()) / np.ptp(X), atol=1e-6)


@pytest.mark.parametrize("count", [1, 2, 7, 26, 100, 101])
def test_a_grid_has_a_place_for_each_picture(count):
    X = np.zeros((count, 1, 2, 2), np.uint8)
    figure = plots.pictures(X, np.zeros(count, int), "ab")
    places = {tuple(np.round(axes.get_position().p0, 6)) for axes in figure.axes}
    assert len(places) == min(count, 100)
    assert ("the first 100 shown" in figure.get_suptitle()) == (count > 100)


def test_right_and_wrong_differ_in_colour_mark_and_words():
    p = np.full((3, 10), 0.01)
    p[[0, 1, 2], [9, 6, 8]] = 0.91
    figure = plots.predictions(random_pictures(3), [9, 0, 8], [9, 6, 8], FASHION, p)
    assert figure.get_suptitle() == "2 of 3 right"
    assert titles(figure) == [
        "✓ Ankle boot · 91.0 %",
        "✗ Shirt · 91.0 %\nis T-shirt/top",
        "✓ Bag · 91.0 %",
    ]
    colours = [to_hex(axes.title.get_color()).upper() for axes in figure.axes]
    assert colours == [plots.GREEN, plots.VERMILION, plots.GREEN]
    frame = to_hex(figure.axes[1].spines["left"].get_edgecolor()).upper()
    assert frame == plots.VERMILION
    assert_nothing_cut_or_overlapping(figure)


def test_predictions_without_probabilities_and_with_class_numbers():
    figure = plots.predictions(random_pictures(2), [3, 4], np.array([3, 5], np.uint8), range(10))
    assert titles(figure) == ["✓ 3", "✗ 5\nis 4"]


def test_the_heading_counts_all_pictures_though_100_are_drawn():
    y = np.arange(150) % 2
    figure = plots.predictions(np.zeros((150, 1, 2, 2)), y, np.zeros(150, int), "ab")
    assert len(figure.axes) == 100
    assert figure.get_suptitle() == "75 of 150 right, the first 100 shown"


@pytest.mark.parametrize("name", LONG)
def test_long_names_are_not_cut_off(name):
    figure = plots.predictions(random_pictures(4), [0] * 4, [0, 1, 1, 1], [name, "é" * 30])
    assert_nothing_cut_or_overlapping(figure)
    words = "".join(titles(figure)[0].split()).removeprefix("✓")
    assert words == name.replace(" ", "")


def test_a_name_that_is_not_unicode_is_drawn(tmp_path):
    plots.save(plots.pictures(random_pictures(1), [0], ["caf\udce9", "b"]), tmp_path / "a.png")


def test_the_most_confident_mistakes_come_first():
    p = np.array([[0.9, 0.1], [0.2, 0.8], [0.4, 0.6], [0.3, 0.7], [0.05, 0.95]])
    y = np.array([1, 0, 1, 0, 1])
    figure = plots.confident_mistakes(random_pictures(5), y, p, ["cat", "dog"], count=2)
    assert titles(figure) == ["✗ cat · 90.0 %\nis dog", "✗ dog · 80.0 %\nis cat"]
    assert figure.get_suptitle() == "mistakes: 3 of 5, the 2 most confident shown"
    np.testing.assert_array_equal(figure.axes[0].images[0].get_array(), random_pictures(5)[0, 0])
    assert_nothing_cut_or_overlapping(figure)
    whole = plots.confident_mistakes(random_pictures(5), y, p, ["cat", "dog"], count=3)
    assert whole.get_suptitle() == "mistakes: 3 of 5"


def test_no_mistakes_are_said_to_be_none():
    figure = plots.confident_mistakes(random_pictures(2), [0, 1], np.eye(2), "ab")
    assert figure.get_suptitle() == "mistakes: 0 of 2"
    assert not figure.axes
    assert_nothing_cut_or_overlapping(figure)


@pytest.mark.parametrize("count", [0, 101])
def test_a_count_of_mistakes_out_of_range_is_refused(count):
    with pytest.raises(ConfigError, match=rf"^count must be 1 to 100, not {count}$"):
        plots.confident_mistakes(random_pictures(2), [0, 1], np.eye(2), "ab", count=count)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"pictures": np.zeros((3, 2, 4, 4))}, "with 1 or 3 channels can be drawn, not with 2"),
        ({"pictures": np.zeros((0, 1, 4, 4))}, "there are no pictures"),
        ({"pictures": np.full((3, 1, 4, 4), np.nan)}, "picture 0 holds NaN"),
        ({"labels": [0, 1]}, "there are 3 pictures but 2 labels; give one for each"),
        ({"labels": [0, 1, 2]}, r"labels must lie in 0\.\.1, not in 0\.\.2"),
        ({"labels": [0.0, 1.0, 0.0]}, r"labels must be whole numbers \(N,\), not float64 \(3,\)"),
        ({"predicted": [0, 1, 1, 1]}, "there are 3 pictures but 4 predicted; give one for each"),
        ({"predicted": [0, -1, 1]}, r"predicted must lie in 0\.\.1, not in -1\.\.1"),
        ({"predicted": ["a", "b", "a"]}, r"predicted must be whole numbers \(N,\), not <U1"),
        (
            {"probabilities": np.full((3, 3), 0.3)},
            r"probabilities must be finite numbers \(3, 2\), not float64 \(3, 3\)",
        ),
    ],
)
def test_arguments_that_do_not_fit_are_refused(change, sentence):
    arguments = {
        "pictures": random_pictures(3),
        "labels": [0, 1, 0],
        "predicted": [0, 1, 1],
        "classes": "ab",
        "probabilities": np.full((3, 2), 0.5),
    }
    with pytest.raises(DataError, match=sentence):
        plots.predictions(**arguments | change)


# Confusion


def confusion_of(classes, seed=0, most=1000):
    rng = np.random.default_rng(seed)
    return rng.poisson(1, (classes, classes)) + np.diag(rng.integers(most // 2, most, classes))


@pytest.mark.parametrize(
    "classes", [("cat", "dog"), FASHION, LONG, range(10), [f"class number {n}" for n in range(30)]]
)
@pytest.mark.parametrize("rows", [False, True])
def test_a_confusion_matrix_shows_every_number(classes, rows):
    counts = confusion_of(len(classes))
    figure = plots.confusion(counts, classes, rows=rows)
    (axes,) = figure.axes
    values = counts / counts.sum(axis=1, keepdims=True) if rows else counts
    np.testing.assert_array_equal(axes.images[0].get_array(), values)
    written = {(round(t.get_position()[1]), round(t.get_position()[0])): t for t in axes.texts}
    assert set(written) == {(i, j) for i, j in np.argwhere(counts)}
    for place, text in written.items():
        assert text.get_text() == (f"{100 * values[place]:.1f}" if rows else str(counts[place]))
        assert contrast(text.get_color(), axes.images[0].to_rgba(values)[place][:3]) > 4.5
    assert figure.get_suptitle().startswith(f"{np.trace(counts):,} of {counts.sum():,} right")
    assert ("percent" in figure.get_suptitle()) == rows
    assert [t.get_text() for t in axes.get_yticklabels()] == [str(name) for name in classes]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted class", "true class")
    assert_nothing_cut_or_overlapping(figure)
    across = (axes.transData.transform((1, 0)) - axes.transData.transform((0, 0)))[0]
    assert max(t.get_window_extent().width for t in axes.texts) < across, "numbers overlap"


def test_large_counts_make_large_cells():
    figure = plots.confusion([[1_234_567, 0], [0, 7_654_321]], "ab")
    assert [t.get_text() for t in figure.axes[0].texts] == ["1,234,567", "7,654,321"]
    assert_nothing_cut_or_overlapping(figure)


def test_a_class_without_pictures_has_shares_of_zero():
    figure = plots.confusion([[3, 1], [0, 0]], "ab", rows=True)
    np.testing.assert_array_equal(figure.axes[0].images[0].get_array(), [[0.75, 0.25], [0, 0]])


@pytest.mark.parametrize(
    ("matrix", "sentence"),
    [
        (np.eye(3, dtype=int), r"^the matrix must be \(2, 2\) for 2 classes, not \(3, 3\)$"),
        (np.eye(2), "^the matrix must hold counts: whole numbers of at least 0$"),
        ([[1, -1], [0, 1]], "^the matrix must hold counts"),
    ],
)
def test_a_matrix_that_holds_no_counts_is_refused(matrix, sentence):
    with pytest.raises(DataError, match=sentence):
        plots.confusion(matrix, "ab")


# Colours

# G. Machado et al. 2009, "A physiologically-based model for simulation of color vision
# deficiency", table 1, severity 1: protanopia, deuteranopia, tritanopia.
BLINDNESS = {
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}


def lab(rgb):
    """Return CIE L*a*b* (D65) of linear RGB."""
    to_xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    t = to_xyz @ np.clip(rgb, 0, 1) / (0.9505, 1, 1.089)
    x, y, z = np.where(t > (6 / 29) ** 3, np.cbrt(t), t / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("blindness", BLINDNESS)
@pytest.mark.parametrize(
    "pair", [(plots.GREEN, plots.VERMILION), (plots.BLUE, plots.ORANGE)], ids=["right", "curves"]
)
def test_the_colour_blind_can_tell_the_colours_apart(blindness, pair):
    one, other = (lab(BLINDNESS[blindness] @ linear(to_rgb(colour))) for colour in pair)
    difference = np.linalg.norm(one - other)
    assert difference > 20, f"a difference of {difference:.0f}; 2.3 can just be noticed"


# Files


@pytest.fixture(params=["curves", "weights", "grid", "confusion"])
def figure(request):
    match request.param:
        case "curves":
            return plots.learning_curves(a_history(5))
        case "weights":
            return plots.first_layer_weights(Network([Flatten(), Dense()], (1, 4, 4), FASHION))
        case "grid":
            return plots.predictions(random_pictures(4, 3), [0, 1, 0, 1], [0, 0, 1, 1], "ab")
        case _:
            return plots.confusion(confusion_of(3), LONG)


def test_a_png_opens_and_is_the_same_each_time(figure, tmp_path):
    one, other = tmp_path / "new" / "folder" / "one.png", tmp_path / "other.PNG"
    plots.save(figure, one)
    plots.save(figure, str(other))
    assert one.read_bytes() == other.read_bytes()
    with Image.open(one) as image:
        image.load()
        assert image.format == "PNG"
        assert image.size == pytest.approx(tuple(figure.get_size_inches() * 150), abs=1)
        assert image.convert("L").getextrema()[0] < 100, "nothing is drawn"
        assert not {"Software", "Creation Time"} & set(image.info)


def test_an_svg_parses_and_is_the_same_each_time(figure, tmp_path):
    one, other = tmp_path / "one.svg", tmp_path / "other.svg"
    plots.save(figure, one)
    plots.save(figure, other)
    assert one.read_bytes() == other.read_bytes()
    root = ElementTree.parse(one).getroot()
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    width, height = figure.get_size_inches() * 72
    assert float(root.get("width").removesuffix("pt")) == pytest.approx(width, abs=1e-3)
    assert float(root.get("height").removesuffix("pt")) == pytest.approx(height, abs=1e-3)
    assert b"dc:date" not in one.read_bytes()


def test_another_process_writes_the_same_bytes(tmp_path):
    program = (
        "import sys; from handgrad import plots\n"
        "for suffix in ('.png', '.svg'):\n"
        "    plots.save(plots.confusion([[3, 1], [2, 5]], 'ab'), sys.argv[1] + suffix)"
    )
    for name in ("one", "two"):
        subprocess.run([sys.executable, "-c", program, str(tmp_path / name)], check=True)
    for suffix in plots.SUFFIXES:
        one, two = (tmp_path / f"{name}{suffix}" for name in ("one", "two"))
        assert one.read_bytes() == two.read_bytes()


@pytest.mark.parametrize("name", ["plot.pdf", "plot", "png"])
def test_another_suffix_is_refused_and_nothing_written(name, tmp_path):
    with pytest.raises(ConfigError, match=rf"{name} must end in \.png or \.svg to be written as"):
        plots.save(Figure(), tmp_path / "new" / name)
    assert not list(tmp_path.iterdir())


def test_a_place_that_cannot_be_written_is_refused(tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "folder.png").mkdir()
    for place in (tmp_path / "file" / "plot.png", tmp_path / "folder.png"):
        with pytest.raises(ConfigError, match=r"cannot be written \(.*\); choose another place"):
            plots.save(Figure(), place)
    assert {path.name for path in tmp_path.iterdir()} == {"file", "folder.png"}


def test_a_drawing_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "plot.svg"
    path.write_text("old")
    figure = plots.confusion([[3, 1], [2, 5]], "ab")

    def fail(*_):
        raise RuntimeError("in the middle")

    monkeypatch.setattr(figure.axes[0].images[0], "draw", fail)
    with pytest.raises(RuntimeError, match="in the middle"):
        plots.save(figure, path)
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["plot.svg"]


def test_nothing_global_is_touched(tmp_path):
    before = dict(matplotlib.rcParams)
    plots.save(plots.learning_curves(a_history(3)), tmp_path / "curves.svg")
    assert dict(matplotlib.rcParams) == before
    program = "import sys, handgrad.plots; sys.exit('matplotlib.pyplot' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True, cwd=Path(__file__).parent)
