"""Every option of every command that takes data has an effect with every kind of data.

An option without effect must be refused in one sentence. The options are read from the command
line's own parser, so that a new option without an entry below fails.
"""

from __future__ import annotations

import contextlib
import io
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import typer
from PIL import Image
from safetensors.numpy import load_file

import handgrad as hg
from handgrad.classifier import read_bundle
from handgrad.cli.app import app
from handgrad.preprocess import Preprocessing, plain
from tests.data.idxfiles import encode

KINDS = ("named", "folder", "csv", "npz", "idx")

# The options that depend on the data: the words to add, and the kinds of data that refuse them.
# All other kinds must show an effect.
ARRAYS = ("csv", "npz", "idx")
OWN = ("folder", *ARRAYS)
DATA_DIR = (["--data-dir", "empty"], ("named", *OWN))
DEPENDENT: dict[str, dict[str, tuple[list[str], tuple[str, ...]]]] = {
    "train": {
        "--size": (["--size", "6"], ("named", *ARRAYS)),
        "--preprocessing": (["--preprocessing", "drawing"], ("named",)),
        "--skip-broken": (["--skip-broken"], ("named", *ARRAYS)),
        "--data-dir": DATA_DIR,
        "--from": (["--from", "run-KIND"], ()),
        "--freeze": (["--freeze", "features"], ()),
        "--class-weights": (["--class-weights", "1=5"], ()),
        "--augment": (["--augment", "shift=0.2"], ()),
        "--batch-size": (["--batch-size", "7"], ()),
        "--validation": (["--validation", "0.4"], ()),
        "--seed": (["--seed", "1"], ()),
    },
    "auto": {
        "--data-dir": DATA_DIR,
        "--skip-broken": (["--skip-broken"], ("named", *ARRAYS)),
    },
    "evaluate": {
        "--data": (["--data", "other.npz"], ()),
        "--data-dir": DATA_DIR,
        "--ood-data": (["--ood-data", "DATA"], ()),
        "--robust": (["--robust"], ()),
    },
    "predict": {
        "--data": (["0", "--data", "other.npz"], ()),
        "--data-dir": (["0", "--data-dir", "empty"], ("named", *OWN)),
        "--invert": (["--invert"], ()),
        "--preprocessing": (["--preprocessing", "drawing"], ()),
        "--show-preprocessing": (["--show-preprocessing", "steps.png"], ("named", *ARRAYS)),
        "--csv": (["--csv", "answers.csv"], ()),
        "--columns": (["--columns", "id,label"], ()),
        "--top": (["--top", "1"], ()),
        "--features": (["--features", "features.npz"], ()),
    },
    "explain-step": {
        "--image": (["--image", "1"], ()),
        "--data-dir": DATA_DIR,
    },
    "calibrate": {
        "--data": (["--data", "other.npz"], ()),
        "--data-dir": DATA_DIR,
        "--precision": (["--precision", "0.6"], ()),
    },
    "upgrade": {
        "--data": (["--data", "other.npz"], ()),
        "--data-dir": (["--data-dir", "empty"], ("named", *OWN)),
        "--out": (["--out", "new.safetensors"], ()),
    },
    "plan": {
        "--data": (["--data", "fashion-mnist"], ()),
        "--data-dir": DATA_DIR,
        "--skip-zeros": (["--skip-zeros"], ()),
    },
    "compare-engines": {
        "--seed": (["--seed", "1"], ()),
        "--batch-size": (["--batch-size", "5"], ()),
        "--data-dir": DATA_DIR,
    },
    "data show": {
        "--augment": (["--augment", "light"], ()),
        "--out": (["--out", "figure.png"], ()),
        "--data-dir": DATA_DIR,
    },
    "data check": {},
    "data check-files": {"--data-dir": (["--data-dir", "empty"], ("named",))},
    "data fetch": {},
    "reproduce": {},
}
# Words that a command gets with and without the option, because the option acts only with them.
CONTEXT = {
    ("predict", "--invert"): ["--preprocessing", "plain"],
    ("predict", "--columns"): ["--csv", "answers.csv"],
    ("train", "--freeze"): ["--model", "two-layer"],
    ("auto", "--skip-broken"): ["--minutes", "0.1"],
}
# Options that do the same whatever the data are; the tests of each command try them.
INDEPENDENT: dict[str, set[str]] = {
    "train": {
        *("--model", "--epochs", "--optimizer", "--lr", "--momentum", "--weight-decay"),
        *("--schedule", "--label-smoothing", "--clip-norm", "--average-weights", "--patience"),
        *("--min-delta", "--engine", "--device", "--amp", "--compile", "--on-divergence"),
        *("--checkpoint-minutes", "--calibrate", "--figures", "--out", "--config", "--resume"),
        *("--force-settings", "--tensorboard", "--mlflow"),
    },
    "auto": {"--minutes", "--out", "--seed", "--tensorboard", "--mlflow"},
    "evaluate": {"--engine"},
    "explain-step": {"--training", "--seed", "--html"},
    "plan": {"--batch-size", "--optimizer", "--augment", "--inference"},
    "compare-engines": {
        *("--engines", "--steps", "--dtype", "--tolerance", "--optimizer", "--lr", "--out"),
    },
    "open": {"--port", "--no-browser", "--lan", "--data-dir"},
    "reproduce": {"--data-dir", "--engine", "--seeds", "--quick", "--out", "--no-run", "--write"},
}
OUTPUT = {"--json", "--quiet", "--verbose"}  # what is printed; the tests of the screen try them
DATA_WORDS = {"data", "data_dir", "path", "run", "images"}  # the parameters that name data
NAMED_ONLY = {"data check-files", "data fetch"}
WITHOUT_DATA = {"export"}  # these commands take a run, but load no images


def commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Yield each command that takes data, with its name."""
    inner = getattr(command, "commands", {})
    for name, each in inner.items():
        yield from commands(each, (*path, name))
    name = " ".join(path)
    if not inner and name not in WITHOUT_DATA and DATA_WORDS & {p.name for p in command.params}:
        yield name, command


COMMANDS = dict(commands(typer.main.get_command(app)))


def options(command: Any) -> set[str]:
    """Return the longest name of each option of a command."""
    return {max(p.opts, key=len) for p in command.params if p.param_type_name == "option"}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_has_an_entry(name: str) -> None:
    entries = DEPENDENT.get(name, {}).keys() | INDEPENDENT.get(name, set()) | OUTPUT
    missing = options(COMMANDS[name]) - entries
    assert not missing, (
        f"handgrad {name} has the new options {sorted(missing)}: enter them in DEPENDENT, with the "
        "kinds of data that refuse them, or in INDEPENDENT if they do not depend on the data"
    )
    old = (DEPENDENT.get(name, {}).keys() | INDEPENDENT.get(name, set())) - options(COMMANDS[name])
    assert not old, f"handgrad {name} no longer has the options {sorted(old)}"


class Outcome(NamedTuple):
    """What a command did: its exit status, its output, and the files that it wrote."""

    status: int
    out: str
    err: str
    files: dict[str, bytes]


def images(seed: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return small images of two classes: a light bar that is upright or lies."""
    rng = np.random.default_rng(seed)
    y = np.arange(count) % 2
    X = rng.integers(0, 60, (count, 8, 8), np.uint8)
    for n, k in enumerate(y):
        at = 2 + rng.integers(0, 4)
        if k:
            X[n, at, 1:7] = 255
        else:
            X[n, 1:7, at] = 255
    return X, y


def write_data(folder: Path) -> None:
    """Write the same images as a folder of files, and as CSV, NPZ and IDX files."""
    for split, name, seed, count in (("train", "train", 0, 40), ("test", "t10k", 1, 40)):
        X, y = images(seed, count)
        for n, (x, k) in enumerate(zip(X, y, strict=True)):
            place = folder / "folder" / split / str(k)
            place.mkdir(parents=True, exist_ok=True)
            Image.fromarray(x).save(place / f"{n}.png")
        rows = np.column_stack([y, X.reshape(count, -1)])
        np.savetxt(folder / f"{split}.csv", rows, "%d", delimiter=",")
        (folder / "idx").mkdir(exist_ok=True)
        (folder / "idx" / f"{name}-images-idx3-ubyte").write_bytes(encode(X))
        (folder / "idx" / f"{name}-labels-idx1-ubyte").write_bytes(encode(y.astype(np.uint8)))
    (X, y), (test_X, test_y) = images(0, 40), images(1, 40)
    np.savez(folder / "data.npz", x_train=X, y_train=y, x_test=test_X, y_test=test_y)
    X, y = images(2, 35)
    np.savez(folder / "other.npz", x=X, y=y)
    X, y = hg.load_data("digits")[1][:80]
    np.savez(folder / "digits.npz", x=X[:, 0], y=y)
    Image.fromarray(images(3, 1)[0][0]).resize((20, 20)).save(folder / "one.png")
    shutil.copytree(folder / "folder", folder / "broken")
    (folder / "broken" / "train" / "0" / "0.png").write_bytes(b"broken")
    (folder / "empty").mkdir()


def write_old_model(run: Path) -> None:
    """Write the model of a run with preprocessing steps of version 1, as old.safetensors."""
    bundle = read_bundle(run / "model.safetensors")
    model = bundle.classifier
    described = plain(model.shape).to_json()
    model.preprocessing = Preprocessing.from_json(
        {key: value for key, value in described.items() if key != "version"}
    )
    model.save(run / "old.safetensors", bundle.about, golden=np.zeros((1, *model.shape), np.uint8))


PATHS = {
    "named": "digits",
    "folder": "folder",
    "csv": "./train.csv",
    "npz": "./data.npz",
    "idx": "idx",
}
# Images to classify, of each kind.
NEW = {
    "named": "0",
    "folder": "folder/test",
    "csv": "./test.csv",
    "npz": "./other.npz",
    "idx": "idx",
}


def run(*words: str) -> Outcome:
    """Run a command in the current folder, and return what it did."""
    before = {path for path in Path().rglob("*") if path.is_file()}
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            app(list(words), prog_name="handgrad")
        except SystemExit as ended:
            status = int(ended.code or 0)
    after = {path for path in Path().rglob("*") if path.is_file()} - before
    printed = re.sub(r'"seconds": [0-9.e-]+', "", out.getvalue())
    return Outcome(status, printed, err.getvalue(), {str(p): _content(p) for p in after})


def _content(path: Path) -> bytes:
    """Return what a file says about the data: of a model, only its arrays and their names."""
    if path.suffix == ".safetensors":
        return b"".join(name.encode() + x.tobytes() for name, x in load_file(path).items())
    # The settings name each option, and the history has times: neither shows an effect.
    return b"" if path.stem in ("config", "history") else path.read_bytes()


QUICK = ["--model", "softmax-regression", "--epochs", "2", "--engine", "reference"]
TRAIN = [*QUICK, "--no-figures", "--no-calibrate", "--quiet"]


def words_of(name: str, kind: str) -> list[str]:
    """Return the words of a command without options, for a kind of data."""
    data, trained = PATHS[kind], f"run-{kind}"
    compared = [
        "--engines",
        "reference,compiled",
        "--dtype",
        "float32",
        "--steps",
        "2",
        "--json",
        "--batch",
        "9",
    ]
    return {
        "train": ["train", data, *TRAIN, "--out", "out"],
        "auto": ["auto", data, "--minutes", "0.1", "--quiet", "--out", "out"],
        "predict": ["predict", trained, NEW[kind]],
        "upgrade": ["upgrade", f"{trained}/old.safetensors"],
        "evaluate": ["evaluate", trained],
        "calibrate": ["calibrate", trained],
        "plan": ["plan", trained],
        "explain-step": ["explain-step", "softmax-regression", data],
        "compare-engines": ["compare-engines", "softmax-regression", data, *compared],
    }.get(name, [*name.split(), data])


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with all kinds of data, and a run that was trained on each."""
    folder = tmp_path_factory.mktemp("kinds")
    write_data(folder)
    with contextlib.chdir(folder):
        for kind in KINDS:
            more = ["--epochs", "10", "--lr", "0.1", "--validation", "0.3"]  # it can be calibrated
            ended = run("train", PATHS[kind], *TRAIN, *more, "--out", f"run-{kind}")
            assert ended.status == 0, ended.err
            write_old_model(Path(f"run-{kind}"))
    return folder


@pytest.fixture
def outcome(place: Path, tmp_path: Path) -> Callable[..., Outcome]:
    """Return a function that runs a command in a copy of the folder with the data."""

    def call(words: list[str], number: int) -> Outcome:
        copy = tmp_path / str(number)
        shutil.copytree(place, copy)
        with contextlib.chdir(copy):
            return run(*words)

    return call


CASES = [
    (name, option, kind)
    for name, entries in DEPENDENT.items()
    for option in entries
    for kind in KINDS
    if kind == "named" or name not in NAMED_ONLY
]
QUICK_COMMANDS = {"train", "evaluate", "predict", "plan", "data show"}
QUICK_OPTIONS = {"--size", "--preprocessing", "--data-dir"}


def is_quick(name: str, option: str, kind: str) -> bool:
    """Return whether a case is tried by default: where the kind of data decides."""
    return name in QUICK_COMMANDS and option in QUICK_OPTIONS and kind != "idx"


@pytest.mark.parametrize(
    ("name", "option", "kind"),
    [case if is_quick(*case) else pytest.param(*case, marks=pytest.mark.slow) for case in CASES],
)
def test_an_option_has_an_effect_or_is_refused(
    name: str, option: str, kind: str, outcome: Callable[..., Outcome]
) -> None:
    more, refused_for = DEPENDENT[name][option]
    meant = {"run-KIND": f"run-{kind}", "DATA": PATHS[kind]}
    meant |= {"other.npz": "digits.npz"} if kind == "named" else {}
    more = [meant.get(word, word) for word in more]
    words = [*words_of(name, kind), *CONTEXT.get((name, option), [])]
    if option == "--from":  # the model determines the network
        words = [word for word in words if word not in ("--model", "softmax-regression")]
    if option == "--skip-broken" and kind == "folder":
        words[words.index("folder")] = "broken"
    found = outcome([*words, *more], 1)
    if kind in refused_for:
        lines = [line for line in found.err.splitlines() if line.startswith("error: ")]
        assert found.status != 0, f"it is accepted without effect: {found}"
        assert len(lines) == 1, found.err
        assert option.strip("-").replace("-", "_") in lines[0].replace("-", "_"), lines[0]
        return
    assert found.status == 0, found.err
    before = outcome(words, 0)
    assert before.status == (1 if "broken" in words else 0), before.err
    assert found != before, "it has no effect"
