import pytest

from handgrad.errors import DataError
from handgrad.plots import lines, rendered


def test_lines_are_drawn_from_the_first_epoch_with_their_names() -> None:
    figure = lines({"published": [0.5, 0.7], "corrected": [0.6]}, "accuracy", share=True)
    (axes,) = figure.axes
    assert [line.get_label() for line in axes.lines] == ["published", "corrected"]
    assert axes.lines[0].get_xdata().tolist() == [1, 2]  # type: ignore[union-attr]
    assert axes.get_title() == "accuracy"
    assert figure.get_figwidth() < 5  # legible on a telephone
    assert rendered(figure).startswith(b"\x89PNG")


def test_a_known_name_has_the_same_style_in_all_figures() -> None:
    known = ("published", "corrected", "best")
    looks = []
    for names in (known, known[1:], known[2:]):
        (axes,) = lines({name: [0.5] for name in names}, "one", known=known).axes
        line = axes.lines[-1]
        looks.append((line.get_color(), line.get_linestyle(), line.get_linewidth()))
    assert len({*looks}) == 1


def test_the_scale_can_be_logarithmic() -> None:
    (axes,) = lines({"loss": [3.0, 0.1]}, "loss", log=True).axes
    assert axes.get_yscale() == "log"


def test_no_values_are_refused() -> None:
    with pytest.raises(DataError, match="there are no numbers to draw; pass at least one line"):
        lines({"loss": []}, "loss")
