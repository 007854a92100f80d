from benchmarks.record import Series
from benchmarks.rounds import interleave
from benchmarks.worker import Skipped


def test_rounds_are_interleaved_and_the_warm_up_does_not_count():
    played = []

    def measurements(name):
        def measure_once(number):
            played.append((number, name))
            return {"seconds": number + 1.0}

        return measure_once

    series = {name: Series(name, "peer") for name in "ABC"}
    assert interleave({name: measurements(name) for name in "ABC"}, series, 2, pause=0) == {}
    assert played == [(number, name) for number in (0, 1, 2) for name in "ABC"]
    assert series["B"].first == {"seconds": 1.0}
    assert series["B"].rounds == [{"seconds": 2.0}, {"seconds": 3.0}]


def test_without_warm_up_all_rounds_count():
    series = {"A": Series("A", "peer")}
    interleave({"A": lambda number: {"n": number}}, series, 3, warm_up=False, pause=0)
    assert [figures["n"] for figures in series["A"].rounds] == [1, 2, 3]


def test_a_failed_competitor_is_named_and_has_no_figures(capsys):
    def fails(number):
        if number == 2:
            raise Skipped("the process of the competitor exited with code -6")
        return {"n": number}

    series = {"A": Series("A", "peer"), "B": Series("B", "peer")}
    out = interleave({"A": fails, "B": lambda number: {"n": number}}, series, 3, pause=0)
    assert out == {"A": "the process of the competitor exited with code -6"}
    assert series["A"].rounds == []
    assert len(series["B"].rounds) == 3
    assert "A skipped: the process of the competitor exited with code -6" in capsys.readouterr().err
