"""Saved figures are complete and reproducible."""

from __future__ import annotations

import subprocess
import sys
from xml.etree import ElementTree

import matplotlib
import pytest
from matplotlib.figure import Figure
from PIL import Image

from handgrad import plots
from handgrad.errors import ConfigError, StorageError
from handgrad.layers import Dense, Flatten
from handgrad.network import Network
from tests.plots.samples import FASHION, LONG, a_history, confusion_of, random_images


@pytest.fixture(params=["curves", "weights", "grid", "confusion"])
def figure(request):
    match request.param:
        case "curves":
            return plots.learning_curves(a_history(5))
        case "weights":
            return plots.first_layer_weights(Network([Flatten(), Dense()], (1, 4, 4), len(FASHION)))
        case "grid":
            return plots.predictions(random_images(4, 3), [0, 1, 0, 1], [0, 0, 1, 1], "ab")
        case _:
            return plots.confusion(confusion_of(3), LONG)


def test_a_png_opens_and_shows_something(figure, tmp_path):
    path = tmp_path / "new" / "folder" / "figure.PNG"
    plots.save(figure, path)
    with Image.open(path) as image:
        image.load()
        assert image.format == "PNG"
        assert image.size == pytest.approx(tuple(figure.get_size_inches() * 150), abs=1)
        assert image.convert("L").getextrema()[0] < 100, "nothing is drawn"
        assert not {"Software", "Creation Time"} & set(image.info)


def test_an_svg_parses_and_is_the_same_each_time(figure, tmp_path):
    one, other = tmp_path / "one.svg", tmp_path / "other.svg"
    plots.save(figure, one)
    plots.save(figure, str(other))
    assert one.read_bytes() == other.read_bytes()
    root = ElementTree.parse(one).getroot()
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    width, height = figure.get_size_inches() * 72
    assert float(root.get("width").removesuffix("pt")) == pytest.approx(width, abs=1e-3)
    assert float(root.get("height").removesuffix("pt")) == pytest.approx(height, abs=1e-3)
    assert b"dc:date" not in one.read_bytes()


def test_another_process_writes_the_same_bytes_without_pyplot(tmp_path):
    program = """
import sys
from handgrad import plots
for suffix in plots.SUFFIXES:
    plots.save(plots.confusion([[3, 1], [2, 5]], "ab"), sys.argv[1] + suffix)
assert "matplotlib.pyplot" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program, str(tmp_path / "other")], check=True)
    for suffix in plots.SUFFIXES:
        here, there = tmp_path / f"here{suffix}", tmp_path / f"other{suffix}"
        plots.save(plots.confusion([[3, 1], [2, 5]], "ab"), here)
        assert here.read_bytes() == there.read_bytes()


@pytest.mark.parametrize("name", ["plot.pdf", "plot", "png"])
def test_another_suffix_is_refused_and_nothing_written(name, tmp_path):
    with pytest.raises(ConfigError, match=rf"{name}: .* must end in \.png or \.svg"):
        plots.save(Figure(), tmp_path / "new" / name)
    assert not list(tmp_path.iterdir())


def test_an_unwritable_path_is_refused(tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "folder.png").mkdir()
    for place in (tmp_path / "file" / "plot.png", tmp_path / "folder.png"):
        with pytest.raises(StorageError, match=r"cannot be written \(.*\); choose another"):
            plots.save(Figure(), place)
    assert {path.name for path in tmp_path.iterdir()} == {"file", "folder.png"}


def test_a_failed_figure_leaves_the_old_file(tmp_path, monkeypatch):
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


def test_the_settings_of_matplotlib_are_not_changed(tmp_path):
    before = dict(matplotlib.rcParams)
    plots.save(plots.confusion([[1]], "a"), tmp_path / "figure.svg")
    assert dict(matplotlib.rcParams) == before
