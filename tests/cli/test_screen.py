import json

from rich.text import Text

from handgrad.cli.screen import Screen, table


def test_results_and_notes_go_apart(capsys):
    screen = Screen()
    screen.result("right [b]")
    screen.note("by the way [b]")
    screen.warning("it creaked [b]")
    screen.error("it broke [b]")
    out, err = capsys.readouterr()
    assert out == "right [b]\n"
    assert err == "by the way [b]\nwarning: it creaked [b]\nerror: it broke [b]\n"


def test_a_quiet_screen_has_results_only(capsys):
    screen = Screen(quiet=True)
    screen.result("right")
    screen.note("by the way")
    assert capsys.readouterr() == ("right\n", "")


def test_long_results_stay_on_one_line_and_json_is_json(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "20")
    screen = Screen()
    screen.result("x" * 300)
    screen.json({"long": "[red]" + "é " * 300})
    first, *rest = capsys.readouterr().out.splitlines()
    assert first == "x" * 300
    assert json.loads("\n".join(rest)) == {"long": "[red]" + "é " * 300}


def test_a_table_has_its_numbers_to_the_right_and_hides_nothing(capsys):
    Screen().result(table(["name", ">count"], [("a [b]", 1), ("c", Text("1,000"))], "all"))
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == "all"
    assert lines[-3:-1] == [" a [b]       1", " c       1,000"]
