import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import typer

import handgrad as hg
from handgrad.cli.app import app
from handgrad.cli.exit_codes import EXIT_CODES


def commands(group=None, names=()):
    """Yield (words, command) of every command and group of commands."""
    group = group or typer.main.get_command(app)
    yield names, group
    for name, command in getattr(group, "commands", {}).items():
        yield from commands(command, (*names, name))


COMMANDS = dict(commands())
QUICK = ["--model", "softmax-regression", "--no-figures"]


def start(*words, **options):
    return subprocess.Popen(
        [sys.executable, "-m", "handgrad", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("help_option", ["--help", "-h"])
def test_every_command_has_help_that_fits_80_columns(handgrad, monkeypatch, words, help_option):
    monkeypatch.setenv("COLUMNS", "80")
    ended = handgrad(*words, help_option)
    assert (ended.status, ended.err) == (0, "")
    assert "Usage: " + " ".join(["handgrad", *words]) in ended.out
    assert all(len(line) <= 80 for line in ended.out.splitlines())
    assert "…" not in ended.out
    for parameter in COMMANDS[words].params:
        for name in parameter.opts:
            assert name[0] != "-" or re.search(rf"[ ,]{name}[ ,]", ended.out), name
    assert not re.search(r"<\w+>|\[default|\[required|x>=|\{[A-Z]", ended.out)


def test_the_help_names_each_default_in_one_style(handgrad):
    for words, text in [
        ("gradcheck", "are checked. Default: 0."),
        ("compare-engines", "training steps. Default: 200."),
        ("verify", "logits. Default: 1e-05."),
        ("reproduce", "or all. Default: all."),
        ("train", "lists them. Default: smallnet; with --from, the network of that model."),
    ]:
        assert text in " ".join(handgrad(words, "--help").out.replace("│", " ").split())


def test_help_lists_every_exit_code(handgrad, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    out = handgrad("--help").out
    for code, meaning in EXIT_CODES.items():
        assert f" {code}  {meaning} " in out


def test_help_names_the_option_for_tab_completion(handgrad):
    assert "handgrad --install-completion turns on tab completion" in handgrad("--help").out


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("handgrad expl", "explain-step"),
        ("handgrad predict --show-pre", "--show-preprocessing"),
        ("handgrad data sh", "show"),
    ],
)
def test_tab_completes_commands_and_options(typed, completed):
    environment = {
        "COMP_WORDS": typed,
        "COMP_CWORD": str(len(typed.split()) - 1),
        "_HANDGRAD_COMPLETE": "complete_bash",
    }
    done = subprocess.run(
        [sys.executable, "-m", "handgrad"],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert completed in done.stdout.split()


def test_version(handgrad):
    assert handgrad("--version") == (0, f"handgrad {hg.__version__}\n", "")


@pytest.mark.parametrize(
    "words",
    [
        *(["frain"], ["--nonsense"], ["train", "--nonsense"], ["train", "a", "b"]),
        *(["evaluate"], ["predict", "run"], ["data", "nothing"], ["train", "--lr"]),
    ],
    ids=" ".join,
)
def test_wrong_use_exits_with_2_and_a_message_on_stderr(handgrad, words):
    ended = handgrad(*words)
    assert (ended.status, ended.out) == (2, "")
    assert "Error" in ended.err


@pytest.mark.parametrize(
    ("words", "status"), [(["evaluate", "nothing"], 1), (["train", "--lr", "-1"], 2)]
)
def test_an_error_is_one_line_on_stderr(handgrad, words, status):
    ended = handgrad(*words)
    assert (ended.status, ended.out) == (status, "")
    assert re.fullmatch(r"error: [^\n]+\n", ended.err)


def test_vv_or_an_environment_variable_shows_the_traceback(handgrad, monkeypatch):
    for words in (["-vv", "evaluate", "nothing"], ["evaluate", "nothing", "-vv"]):
        with pytest.raises(hg.ModelError, match="nothing is not a run"):
            handgrad(*words)
    assert handgrad("evaluate", "nothing", "-v").status == 1
    monkeypatch.setenv("HANDGRAD_TRACEBACK", "1")
    with pytest.raises(hg.ModelError, match="nothing is not a run"):
        handgrad("evaluate", "nothing")


def test_an_unexpected_error_keeps_its_traceback(handgrad, monkeypatch):
    monkeypatch.setattr("handgrad.models.MODELS", {"broken": lambda: 1 / 0})
    with pytest.raises(ZeroDivisionError):
        handgrad("models")


def test_help_does_not_load_heavy_libraries():
    code = (
        "import sys; sys.argv = ['handgrad', 'train', '--help']\n"
        "from handgrad.cli import main\n"
        "try: main()\n"
        "except SystemExit: print(sorted(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = done.stdout.splitlines()[-1]
    for name in ("numpy", "numba", "matplotlib", "sklearn", "requests", "torch", "PIL"):
        assert f"'{name}'" not in loaded


def test_results_go_to_stdout_and_progress_to_stderr(tmp_path):
    with start("train", *QUICK, "--epochs", "2", cwd=tmp_path) as process:
        out, err = process.communicate()
    assert process.returncode == 0
    assert re.fullmatch(r"test accuracy .*\nrun in runs/digits-softmax-regression-1\n", out)
    assert [line[:9] for line in err.splitlines() if line.startswith("epoch")] == [
        *("epoch 1/2", "epoch 2/2")
    ]
    assert "\x1b" not in out + err


def test_colour_follows_force_color_and_no_color(tmp_path):
    words = [sys.executable, "-m", "handgrad", "evaluate", "nothing"]
    forced = dict(os.environ, FORCE_COLOR="1", TERM="xterm")
    coloured = subprocess.run(words, capture_output=True, env=forced, cwd=tmp_path, check=False)
    plain = subprocess.run(
        words, capture_output=True, env=forced | {"NO_COLOR": "1"}, cwd=tmp_path, check=False
    )
    assert b"\x1b[1;31m" in coloured.stderr
    assert b"31m" not in plain.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
@pytest.mark.parametrize("words", [["--version"], ["models"], ["train", "--help"]], ids=" ".join)
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_full_disk_at_stdout_is_reported_in_one_line(words, unbuffered):
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "handgrad", *words],
            stdout=full,
            env=dict(os.environ, PYTHONUNBUFFERED=unbuffered),
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr == "error: the output cannot be written (No space left on device)\n"


@pytest.mark.skipif(os.name == "nt", reason="Windows has other pipes")
@pytest.mark.parametrize("words", [["--version"], ["models"], ["train", "--help"]], ids=" ".join)
def test_a_closed_pipe_ends_the_command_quietly(words):
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as pipe:
        done = subprocess.run(
            [sys.executable, "-m", "handgrad", *words],
            stdout=pipe,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT to send")
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_training_and_the_message_says_how_to_resume(tmp_path: Path, number, status):
    words = ["train", *QUICK, "--epochs", "100000", "--patience", "0"]
    with start(*words, cwd=tmp_path) as process:
        while not process.stderr.readline().startswith("epoch 3/"):
            assert process.poll() is None
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (status, "")
    (run,) = Path(tmp_path, "runs").iterdir()
    sentence = f"error: interrupted; to resume: handgrad train --resume runs/{run.name}\n"
    assert err.endswith(sentence)
    assert "Traceback" not in err
    assert {path.name for path in run.iterdir()} <= {"checkpoints", "history.jsonl"}
