import sys
from argparse import Namespace

import pytest

from benchmarks import __main__ as command
from benchmarks import document
from benchmarks.kinds import KINDS, Kind
from benchmarks.record import Record, Series


def record(label, problems=()):
    made = Record("train", label, {}, {"rate": "high"}, {"a": Series("a", "ours", [{"rate": 1.0}])})
    made.problems = list(problems)
    return made


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Run the command with arguments, and return its exit code."""
    monkeypatch.setattr(command, "limit_threads", lambda _: None)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["benchmarks", *arguments, "--out", str(tmp_path)])
        return command.main()

    return run


def test_all_measures_every_kind_with_its_options():
    arguments = command.parser().parse_args(["all", "--rounds", "7"])
    found = dict(command.all_kinds(arguments))
    assert list(found) == [
        "train",
        "train --noise",
        "online",
        "predict",
        "start",
        "memory",
        "scale",
        "checkpoint",
        "page",
        "accuracy",
        "ablation",
    ]
    assert [title for title, settings in found.items() if settings.noise] == ["train --noise"]
    for title, settings in found.items():
        name = title.split()[0]
        for option in (*KINDS[name].options, *KINDS[name].names, "only", "threads", "out"):
            assert hasattr(settings, option), (title, option)
        assert (settings.rounds, settings.seeds, settings.only) == (7, 5, [])


def test_all_reports_a_failed_kind_and_continues(monkeypatch, run, tmp_path, capsys):
    def fails(_: Namespace):
        raise ValueError("no memory left")

    def stops(_: Namespace):
        raise SystemExit("MNIST was not found on this machine")

    updated = []
    kinds = {
        "train": Kind(fails, (), "training"),
        "predict": Kind(stops, (), "prediction"),
        "scale": Kind(lambda _: iter([record("last")]), (), "scale"),
    }
    monkeypatch.setattr(command, "KINDS", kinds)
    monkeypatch.setattr(command.document, "update", updated.append)
    assert run("all") == 1
    output = capsys.readouterr().err
    assert "train FAILED: ValueError: no memory left" in output
    assert "train --noise FAILED" in output
    assert "predict FAILED: SystemExit: MNIST was not found on this machine" in output
    assert [path.name[:10] for path in tmp_path.iterdir()] == ["train-last"]
    assert updated == [tmp_path]


@pytest.mark.parametrize(("problems", "code"), [([], 0), (["a loss differs"], 1)])
def test_an_invalid_record_is_saved_and_the_command_fails(
    monkeypatch, run, tmp_path, problems, code
):
    kind = Kind(lambda _: iter([record("one", problems)]), (), "training")
    monkeypatch.setattr(command, "KINDS", {"train": kind})
    assert run("train") == code
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("train", "--threads", "0"), "--threads: '0' is not an integer that is at least 1"),
        (("train", "--rounds", "0"), "--rounds: '0' is not an integer that is at least 1"),
        (("all", "--rounds", "-1"), "--rounds: '-1' is not an integer that is at least 1"),
        (("accuracy", "--seeds", "0"), "--seeds: '0' is not an integer that is at least 1"),
        (("train", "--images", "-5"), "--images: '-5' is not an integer that is at least 1"),
        (("scale", "--gigabytes", "-1"), "--gigabytes: '-1' is not a finite number greater than 0"),
        (
            ("scale", "--gigabytes", "nan"),
            "--gigabytes: 'nan' is not a finite number greater than 0",
        ),
        (("start", "--network", "lenet"), "--network: invalid choice: 'lenet' (choose from "),
        (("train", "--only", "jaxx"), "--only: invalid choice: 'jaxx' (choose from "),
        (("ablation", "--only", "jax"), "--only: invalid choice: 'jax' (choose from "),
        (("accuracy", "--target", "x"), "--target: invalid choice: 'x' (choose from "),
    ],
)
def test_invalid_options_are_rejected(arguments, sentence, run, capsys):
    with pytest.raises(SystemExit) as ended:
        run(*arguments)
    assert ended.value.code == 2
    message = capsys.readouterr().err.splitlines()[-1]
    assert f"error: argument {sentence}" in message


@pytest.mark.parametrize("name", [name for name, kind in KINDS.items() if "only" in kind.names])
def test_help_lists_the_competitors(name, capsys):
    with pytest.raises(SystemExit):
        command.parser().parse_args([name, "--help"])
    output = " ".join(capsys.readouterr().out.split())
    for competitor in KINDS[name].names["only"]:
        assert competitor.split("-")[0] in output  # a line may end after a hyphen


def test_a_folder_without_records_does_not_change_the_tables(run):
    before = document.DOCUMENT.read_text()
    with pytest.raises(SystemExit, match="the tables are unchanged"):
        run("table")
    assert document.DOCUMENT.read_text() == before
