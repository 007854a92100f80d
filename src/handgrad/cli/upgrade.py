"""`handgrad upgrade`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from handgrad.cli.options import DataDir, DataName, Json, Quiet, RunPath, Verbose
from handgrad.cli.screen import Screen, show_versions
from handgrad.errors import ConfigError, DataError, ModelError

if TYPE_CHECKING:
    from handgrad.classifier import Bundle

MAX_IMAGES = 2000  # of a test set of arrays that are preprocessed like image files


def upgrade(
    *,
    run: RunPath,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write the upgraded model to this file. Default: replace the model.",
            show_default=False,
        ),
    ] = None,
    data: DataName = None,
    data_dir: DataDir = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = 0,
) -> None:
    """Rewrite the preprocessing of an old model with the newest steps.

    A model keeps the preprocessing steps that it was trained with, so that its answers do not
    change. The newest steps use integers only, so that every program computes exactly the same
    image, and they can be exported. The network, the class names and the calibration stay the same.

    The command counts the answers that change, for the golden images in the model file and for the
    test images of the run (if they are available) or of --data.
    """
    from handgrad.classifier import read_bundle
    from handgrad.classifier.preprocessing_upgrade import upgrade_preprocessing
    from handgrad.runs import model_file

    screen = Screen(quiet)
    if verbose:
        show_versions(screen, engine="reference")
    file = model_file(run)
    old = read_bundle(file)
    try:
        new = upgrade_preprocessing(old)
    except ModelError as error:
        raise ModelError(f"{file}: {error}") from None
    raw = 0 if old.golden.raw is None else len(old.golden.raw)
    answers = [bundle.golden.logits[:raw].argmax(axis=1) for bundle in (old, new)]
    counts = {"golden": (int((answers[0] != answers[1]).sum()), raw)}
    try:
        counts["test"] = _changed_on_test(screen, old, new, data, data_dir)
    except (ConfigError, DataError) as error:
        if data is not None:
            raise
        screen.warning(f"the test images are not compared: {error}")
    new.classifier.save(out or file, new.about, golden=new.golden)
    if json:
        found = {name: {"changed": a, "images": n} for name, (a, n) in counts.items()}
        screen.json({"model": str(out or file), "answers": found})
        return
    for name, (changed, images) in counts.items():
        screen.result(f"{changed:,} of {images:,} answers for {name} images changed")
    screen.result(f"upgraded model in {out or file}")


def _changed_on_test(
    screen: Screen, old: Bundle, new: Bundle, data: str | None, data_dir: Path | None
) -> tuple[int, int]:
    """Return how many answers for test images changed, and the number of images."""
    import numpy as np

    from handgrad.classifier.preprocessing_upgrade import preprocessed
    from handgrad.data import is_user_data, load_data
    from handgrad.runs import load_test

    options: dict[str, Any] = {"progress": screen.progress}
    steps = [bundle.classifier.preprocessing for bundle in (old, new)]
    before = load_test(old.about, data, data_dir, **options, preprocessing=steps[0])
    own = new.about.get("data")
    name = data or (str(own.get("name")) if isinstance(own, dict) else "")
    after = before
    if is_user_data(name):
        train, after = load_data(name, data_dir, **options, preprocessing=steps[1])
        if data is None and isinstance(own, dict):  # the new steps give slightly different images
            own |= {"digest": train.digest(), "test_digest": after.digest()}
    images = [before.images, after.images]
    if images[0].dtype == np.uint8 and np.array_equal(
        images[0], images[1]
    ):  # arrays, which no step has changed
        some = images[0][:: max(1, len(before) // MAX_IMAGES)][:MAX_IMAGES].transpose(0, 2, 3, 1)
        images = [preprocessed(preprocessing, some) for preprocessing in steps if preprocessing]
    answers = [old.classifier.predict(X) for X in images]
    return int((answers[0] != answers[1]).sum()), len(answers[0])
