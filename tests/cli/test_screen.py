import io
import json
import logging
import re
import subprocess
import sys

import pytest
from rich.console import Console
from rich.text import Text

from handgrad.cli.screen import Screen, reset_logging, table


def test_results_go_to_stdout_and_messages_to_stderr(capsys):
    screen = Screen()
    screen.result("correct [b]")
    screen.info("a note [b]")
    screen.warning("a problem [b]")
    screen.error("a failure [b]")
    out, err = capsys.readouterr()
    assert out == "correct [b]\n"
    assert err == "a note [b]\nwarning: a problem [b]\nerror: a failure [b]\n"


def test_a_quiet_screen_prints_results_only(capsys):
    screen = Screen(quiet=True)
    screen.result("result")
    screen.info("a note")
    assert capsys.readouterr() == ("result\n", "")


def test_long_results_stay_on_one_line_and_json_has_version_and_ok(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "20")
    screen = Screen()
    screen.result("x" * 300)
    screen.json({"long": "[red]" + "é " * 300})
    first, *rest = capsys.readouterr().out.splitlines()
    assert first == "x" * 300
    assert json.loads("\n".join(rest)) == {
        "version": 1,
        "ok": True,
        "long": "[red]" + "é " * 300,
    }


def test_a_table_aligns_numbers_right_and_does_not_truncate(capsys):
    Screen().result(table(["name", ">count"], [("a [b]", 1), ("c", Text("1,000"))], "all"))
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == "all"
    assert lines[-3:-1] == [" a [b]       1", " c       1,000"]


def drawn(made, width, terminal=True):
    """Return the lines that a table prints on a terminal of this width, or to a pipe."""
    stream = io.StringIO()
    screen = Screen()
    screen.out = Console(file=stream, width=width, force_terminal=terminal, color_system=None)
    screen.result(made)
    return stream.getvalue().splitlines()


PATH = "a-folder-with-a-long-name/" * 9 + "image.png"


@pytest.mark.parametrize("length", [5, 50, 245])
@pytest.mark.parametrize("width", [200, 80, 44, 20])
def test_no_width_cuts_a_number_or_a_word(width, length):
    made = table(
        ["image", ">training", ">test", "predicted", ""],
        [[PATH[-length:], "60,000", "10,000", "7 99.8%", "T-shirt/top 0.1%"]],
    )
    lines = drawn(made, width)
    for value in ("60,000", "10,000", "7 99.8%", "T-shirt/top 0.1%"):
        assert value in " ".join(lines)
    if width < 80:  # each value has a line, which the terminal folds
        assert f"image {PATH[-length:]}" in lines
    else:
        assert all(len(line) <= width for line in lines)
        assert "".join(line[1:].split(" ")[0] for line in lines[3:]) == PATH[-length:]


def test_a_terminal_wraps_text_between_words():
    lines = drawn("the quick brown fox jumps over the lazy dog 1,234,567", 20)
    assert (
        " ".join(map(str.rstrip, lines)) == "the quick brown fox jumps over the lazy dog 1,234,567"
    )
    assert max(map(len, lines)) <= 20


@pytest.mark.parametrize("length", [5, 50, 245])
def test_a_pipe_does_not_limit_the_width(length):
    lines = drawn(table(["image", ">n"], [[PATH[-length:], "10,000"]]), 200, terminal=False)
    assert lines[-2].split() == [PATH[-length:], "10,000"]


def test_a_failed_check_is_not_ok_in_json(capsys):
    Screen().json({"models": []}, ok=False)
    assert json.loads(capsys.readouterr().out) == {"version": 1, "ok": False, "models": []}


def test_each_value_has_its_own_line_if_the_table_does_not_fit():
    made = table(["name", ">training", ""], [["mnist", "60,000", "here"]], title="data")
    assert drawn(made, 16) == ["data", "", "name mnist", "training 60,000", "here"]


def test_log_messages_are_printed_once_and_only_after_log_progress(capsys):
    logger = logging.getLogger("handgrad")
    for _ in range(2):  # a second command in one process
        Screen().log_progress()
    logger.info("handgrad: %d kernels", 3)
    logger.debug("handgrad: too detailed")
    assert capsys.readouterr() == ("", "3 kernels\n")
    Screen()
    logger.info("handgrad: after a new screen")
    Screen(quiet=True).log_progress()
    logger.warning("handgrad: a warning on a quiet screen")
    assert capsys.readouterr() == ("", "")
    reset_logging()
    assert (logger.level, logger.handlers) == (logging.NOTSET, [])


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("two-layer", ["49% of the pixels are zero; the first dense layer does not skip them"]),
        ("smallnet", []),  # its first layer cannot skip zeros
    ],
)
def test_training_reports_how_the_compiled_engine_works(handgrad, model, expected):
    ended = handgrad("train", "--model", model, "--epochs", 1, "--no-figures", "-v")
    lines = [line for line in ended.err.splitlines() if line.startswith("compiled engine: ")]
    sentences = [line.removeprefix("compiled engine: ") for line in lines]
    assert [s for s in sentences if "zero" in s] == expected
    assert sum("worker" in s for s in sentences) >= 1
    assert len(lines) == len(set(lines))
    assert not logging.getLogger("handgrad").handlers  # the command is over


def test_the_second_run_loads_all_kernels_from_the_cache(tmp_path):
    words = ["train", "--model", "softmax-regression", "--epochs", "1", "--no-figures", "-v"]
    found = []
    for _ in range(2):
        ended = subprocess.run(
            [sys.executable, "-m", "handgrad", *words],
            capture_output=True,
            text=True,
            check=True,
            cwd=tmp_path,
        )
        found = re.findall(r"kernels: (\d+) compiled, (\d+) from the cache, in", ended.stderr)
    assert found
    assert all(compiled == "0" and int(kept) > 0 for compiled, kept in found)


def test_no_value_replaces_version_and_ok_in_json(capsys):
    Screen().json({"ok": True, "n": 1, "version": 7}, ok=False)
    found = json.loads(capsys.readouterr().out)
    assert list(found.items()) == [("version", 1), ("ok", False), ("n", 1)]


def test_a_long_list_of_settings_is_wrapped_after_a_comma():
    settings = "shift=0.07,rotation=15,scale=0.15,stroke=0.4"
    lines = [line.rstrip() for line in drawn(f"augmented by {settings}", 30)]
    assert all(len(line) <= 30 for line in lines)
    assert " ".join(lines) == "augmented by " + settings.replace(",", ", ")
    assert drawn(settings, 30, terminal=False) == [settings]
    lines = [line.rstrip() for line in drawn(f"augmented by {settings}", 44)]
    assert lines == ["augmented by", settings]
