"""Every name can be drawn, in its own characters where a font has them."""

from __future__ import annotations

import matplotlib
import pytest

from handgrad import plots
from handgrad.plots import labels as words
from handgrad.plots.labels import class_names, inches
from tests.plots.looks import titles
from tests.plots.samples import random_images


@pytest.fixture
def fallbacks(monkeypatch):
    """Return a function that chooses the fonts to fall back to, whatever this machine has."""

    def choose(*families):
        monkeypatch.setattr(words, "_installed_fallbacks", lambda: families)

    return choose


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Trouser", "Trouser"),
        (7, "7"),
        ("é ß Ω Ж", "é ß Ω Ж"),
        ("$5 and $6", "$5 and $6"),
        (" two\n\u3000words\t", "two words"),
        ("お", "class 1"),
        ("cat 猫", "class 1"),
        ("caf\udce9", "class 1"),
        ("bell \a", "class 1"),
    ],
)
def test_a_name_that_no_font_can_write_becomes_its_number(name, shown, fallbacks, tmp_path):
    fallbacks("DejaVu Sans")
    assert class_names(["first", name]) == ["first", shown]
    figure = plots.images(random_images(1), [1], ["first", name])
    assert titles(figure) == [shown]
    plots.save(figure, tmp_path / "name.png")  # a character without a glyph would warn


def test_a_name_is_written_in_a_font_that_has_its_characters(fallbacks, tmp_path):
    lacking = words._characters(("STIXGeneral",)) - words._characters(("DejaVu Sans",))
    name = f"cat {min(lacking)}"
    fallbacks("DejaVu Sans")
    assert class_names([name]) == ["class 0"]
    fallbacks("DejaVu Sans", "STIXGeneral")
    assert class_names([name]) == [name]
    plots.save(plots.confusion([[1]], [name]), tmp_path / "name.svg")


def test_right_and_wrong_are_marked_in_any_font(tmp_path):
    assert "✓" not in words._characters(("DejaVu Serif",))
    with matplotlib.rc_context({"font.family": "DejaVu Serif"}):
        figure = plots.predictions(random_images(2), [0, 1], [0, 0], "ab")
        plots.save(figure, tmp_path / "marks.png")
    assert [title[0] for title in titles(figure)] == ["✓", "✗"]


def test_the_fonts_are_those_of_matplotlib_and_those_installed():
    first, second, *others = words._families()
    assert [first] == matplotlib.rcParams["font.family"]
    assert second == "DejaVu Sans"
    assert {*others} < {*words.FALLBACKS}


def test_lines_of_a_name_have_at_most_so_many_characters():
    assert class_names(["one two three"], 8) == ["one two\nthree"]
    assert class_names(["one two three"]) == ["one two three"]


def test_the_room_of_words_is_that_of_the_largest():
    wide, low = inches(["iiii", "WWWW"], 9)
    assert wide == inches(["WWWW"], 9)[0]
    assert inches(["iiii", "i\ni"], 9)[1] > low
    assert inches(["WWWW"], 18)[0] == pytest.approx(2 * wide, rel=0.05)
