"""Options that several commands share, and functions that load the data of a run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from handgrad.cli.screen import Screen, show_versions
from handgrad.errors import ConfigError

if TYPE_CHECKING:
    from handgrad.classifier import Classifier
    from handgrad.data import Dataset

NAMED_DATA = "digits, mnist, fashion-mnist or kmnist"
NAMED_OPTIMIZERS = "sgd, momentum, nesterov, adam or adamw"


def _from_above(ctx: typer.Context, param: typer.CallbackParam, value: Any) -> Any:
    """Return the value of a flag that may also be given before the command name."""
    above = ctx.parent.params.get(param.name) if ctx.parent and param.name else None
    return value or above or value


def _keep(ctx: typer.Context, param: typer.CallbackParam, value: int) -> int:
    """Return the value of a flag like `_from_above`, and store it for the outermost command."""
    ctx.find_root().obj = value = _from_above(ctx, param, value)
    return value


def output_folder(text: str) -> Path:
    """Return the path of a folder to write to, or raise a ConfigError if its name is empty."""
    if not text:
        raise ConfigError(
            "the name of the output folder is empty; give a name, or . for the current folder"
        )
    return Path(text)


Quiet = Annotated[
    bool,
    typer.Option(
        "--quiet",
        "-q",
        metavar="",
        help="Do not print progress, only the results.",
        callback=_from_above,
    ),
]
Verbose = Annotated[
    int,
    typer.Option(
        "--verbose",
        "-v",
        count=True,
        metavar="",
        show_default=False,
        help="Also print versions, engine, number of cores and data folder. -vv also shows "
        "tracebacks.",
        callback=_keep,
    ),
]
Json = Annotated[bool, typer.Option("--json", metavar="", help="Print the result as JSON.")]
Tensorboard = Annotated[
    bool,
    typer.Option("--tensorboard", metavar="", help="Also log the run for TensorBoard."),
]
Mlflow = Annotated[
    bool,
    typer.Option(
        "--mlflow",
        metavar="",
        help="Also log the run to MLflow: to $MLFLOW_TRACKING_URI if it is set, otherwise to "
        "mlflow.db in the current folder.",
    ),
]
RunPath = Annotated[
    Path,
    typer.Argument(
        metavar="RUN",
        help="Folder of a run (written by `handgrad train` or `auto`), or a model file.",
        show_default=False,
    ),
]
ModelOrRun = Annotated[
    str,
    typer.Argument(
        metavar="MODEL|RUN",
        help="Name of a built-in network (`handgrad models` lists them), folder of a run, or a "
        "model file.",
        show_default=False,
    ),
]
DataName = Annotated[
    str | None,
    typer.Option(
        "--data",
        metavar="DATA",
        help="Name of another standard data set, or the path of your own images. Default: the "
        "data of the run.",
        show_default=False,
    ),
]
DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        metavar="DIR",
        help="Folder with the files of mnist, fashion-mnist or kmnist. Default: $HANDGRAD_DATA, "
        "then the cache; missing files are downloaded.",
        show_default=False,
    ),
]


def load_run_test(
    screen: Screen,
    classifier: Classifier,
    about: Mapping[str, Any],
    data: str | None,
    data_dir: Path | None,
) -> Dataset:
    """Load the test images of a run, preprocessed and scaled as the model requires.

    Args:
        screen: the screen that shows the progress of loading.
        classifier: the model.
        about: the metadata of the model file.
        data: the value of `--data`.
        data_dir: the value of `--data-dir`.
    """
    from handgrad.runs import load_test
    from handgrad.train.evaluate import scaled_for

    test = load_test(
        about, data, data_dir, progress=screen.progress, preprocessing=classifier.preprocessing
    )
    return scaled_for(classifier, test)


def show_test_data(
    screen: Screen, about: Mapping[str, Any], data: str | None, data_dir: Path | None
) -> None:
    """Print the library versions and the folder of a run's test images.

    Args:
        screen: the screen to print to.
        about: the metadata of the model file.
        data: the value of `--data`.
        data_dir: the value of `--data-dir`.
    """
    from handgrad.data import available

    own, config = (
        entry if isinstance(entry := about.get(name), Mapping) else {}
        for name in ("data", "config")
    )
    name = data or own.get("name")
    if data_dir is None and data is None:
        data_dir = config.get("data_dir", config.get("folder"))
    where = data_dir or next((e.where for e in available() if e.name == name), "not found")
    show_versions(screen, data=f"{name}, {where}" if name else "unknown")


def warn_of_unknown_range(screen: Screen, classifier: Classifier) -> None:
    """Print a warning if a model file does not state the pixel range of the training images.

    Args:
        screen: the screen to print to.
        classifier: the model.
    """
    if classifier.pixel_range is None:
        screen.warning(
            "the model file does not contain the range of the training images; it is assumed that "
            "integers were 0..255, and that floating-point images had the same range as the new "
            "ones"
        )
