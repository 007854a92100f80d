"""Learning someone's handwriting: a model continues its training with a few drawings."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from handgrad.classifier import MODEL, Classifier
from handgrad.data import Dataset
from handgrad.errors import DataError
from handgrad.ood import MIN_IMAGES, fit_ood
from handgrad.optim import AdamW
from handgrad.pixel_range import BYTES
from handgrad.runs import StartModel, calibrate_on, finish, start_run
from handgrad.runs.trained_on import INCOMPLETE, digest_of_all, image_digests, write_digests
from handgrad.schedules import Cosine
from handgrad.train import evaluate, fit
from handgrad.train_config import TrainConfig
from handgrad.web.session import Session

FOLDS = 4
OLD_IMAGES = 2000  # training images that are repeated, so that the model does not forget them
DRAWN_SHARE = 0.3  # of the loss: the weight of all drawings together
EPOCHS = 4
LR = 0.002
MIN_DRAWINGS = 2 * FOLDS
DEFAULT_SHARE = 0.1  # of the images for validation


class Learned(NamedTuple):
    """The result of learning, as accuracies from 0 to 1.

    Attributes:
        drawings_before: the accuracy of the old model on the drawings.
        drawings_after: the accuracy on drawings that were left out of training, one quarter at a
            time.
        test_before: the accuracy of the old model on the test images.
        test_after: the accuracy of the new model on the test images.
        test_images: the number of test images.
        drawings: the number of drawings.
        folds: the number of parts into which the drawings were divided.
        saved: the name of the folder of the new model.
    """

    drawings_before: float
    drawings_after: float
    test_before: float
    test_after: float
    test_images: int
    drawings: int
    folds: int
    saved: str


def learn(
    session: Session,
    images: NDArray[np.uint8],
    labels: NDArray[np.int64],
    on_progress: Callable[[int, int], None],
) -> tuple[Learned, Path]:
    """Continue the training of the session's model with drawings, and save the new model.

    The accuracy on drawings "after" is measured by cross-validation: four models are trained, each
    without a quarter of the drawings, and judged on this quarter. The model that is saved is
    trained on all drawings. It is calibrated again on the validation images of the old model, with
    which neither model was trained. The out-of-distribution score is also fitted to the drawings,
    so that images like them are accepted. All of this uses copies of the model, so that the page
    can use the model meanwhile.

    Args:
        session: the session; its model is not changed.
        images: the drawings after the preprocessing, (N, C, H, W) uint8.
        labels: the index of the class of each drawing, (N,).
        on_progress: is called several times per second with the number of finished trainings and
            their total. It may raise an exception to end the training.

    Returns:
        The result and the path of the new model's folder.

    Raises:
        DataError: if there are too few drawings, or they do not fit the model.
    """
    with session.compute:
        session.load_model()  # raises an error if there is none
        assert session.path is not None
        old = StartModel.load(session.path)
        images_of_model, test = session.data
    model = old.classifier
    train, validation = images_of_model.split(*_validation(old.about))
    if len(images) < MIN_DRAWINGS:
        raise DataError(f"{len(images)} drawings are too few; draw at least {MIN_DRAWINGS}")
    if images.shape[1:] != model.shape or labels.min() < 0 or labels.max() >= len(model.classes):
        raise DataError("the drawings do not fit the model; load the page again")
    drawn = Dataset(
        images, labels, model.classes, "drawings", pixel_range=model.pixel_range or BYTES
    )
    part = np.random.default_rng(0).permutation(len(drawn)) % FOLDS

    def trained(count: int, chosen: Dataset) -> Classifier:
        def before_steps(_: object) -> None:
            on_progress(count, FOLDS + 1)

        return _trained(model, train, chosen, before_steps)

    correct = 0
    for fold in range(FOLDS):
        other = trained(fold, drawn.take(np.flatnonzero(part != fold)))
        left_out = drawn.take(np.flatnonzero(part == fold))
        correct += evaluate(other, left_out).correct
    new = trained(FOLDS, drawn)
    old_test, new_test = evaluate(model, test), evaluate(new, test)
    calibrate_on(new, validation)
    accepted = _both(model, validation, drawn)
    if len(accepted) >= MIN_IMAGES:
        Z = new.logits(accepted)
        new.ood = fit_ood(new.network, _both(model, train, drawn), accepted, Z)
    on_progress(FOLDS, FOLDS + 1)  # nothing is saved if the page was closed meanwhile
    path = _save(old, new, drawn, test)
    result = Learned(
        drawings_before=evaluate(model, drawn).accuracy,
        drawings_after=correct / len(drawn),
        test_before=old_test.accuracy,
        test_after=new_test.accuracy,
        test_images=len(test),
        drawings=len(drawn),
        folds=FOLDS,
        saved=path.name,
    )
    return result, path


def _validation(about: Mapping[str, Any]) -> tuple[float, int]:
    """Return the share of validation images of a run, and the seed that chose them.

    A run without validation images gets the usual share: all of its images were trained on, so that
    there are no better ones.
    """
    config = about.get("config")
    known = config if isinstance(config, Mapping) else {}
    share, seed = known.get("validation"), known.get("seed")
    if isinstance(share, float) and 0 < share < 1 and isinstance(seed, int) and seed >= 0:
        return share, seed
    return DEFAULT_SHARE, 0


def _trained(
    model: Classifier, train: Dataset, drawn: Dataset, before_steps: Callable[[object], None]
) -> Classifier:
    """Return a copy of a model, trained on drawings and on some of its old training images."""
    new = copy.deepcopy(model)
    chosen = np.random.default_rng(0).permutation(len(train))[:OLD_IMAGES]
    old = train.take(np.sort(chosen))
    both = _both(model, old, drawn)
    each = DRAWN_SHARE / (1 - DRAWN_SHARE) * len(old) / len(drawn)
    weights = np.concatenate([np.ones(len(old)), np.full(len(drawn), each)])
    config = TrainConfig(
        epochs=EPOCHS,
        batch_size=min(64, len(both)),
        optimizer=AdamW(LR),
        schedule=Cosine(),
        augment="light" if model.shape[0] == 1 else None,
        patience=None,
    )
    fit(new, both, config, validation=None, weights=weights, before_steps=before_steps)
    return new


def _both(model: Classifier, images: Dataset, drawn: Dataset) -> Dataset:
    """Return images and drawings as one data set."""
    return Dataset(
        np.concatenate([model.pixels(images), model.pixels(drawn)]),
        np.concatenate([images.labels, drawn.labels]),
        model.classes,
        "images and drawings",
        pixel_range=model.pixel_range or BYTES,
    )


def _save(old: StartModel, new: Classifier, drawn: Dataset, test: Dataset) -> Path:
    """Save a model in a new folder under the runs, and return the folder."""
    about = {name: value for name, value in old.about.items() if name != "scores"}
    digests = image_digests(new.pixels(drawn))
    if old.trained_on is not None:
        digests = np.union1d(digests, old.trained_on)
    about |= {"training_images": digest_of_all(digests), "drawings": len(drawn)}
    if not old.knows_all_images:
        about[INCOMPLETE] = True
    stem = old.path.parent.name if old.path.name == MODEL else old.path.stem
    with start_run(None, f"{stem}-handwriting") as folder:
        new.save(folder / MODEL, about, golden=test.images)
        write_digests(digests, folder)
        finish(folder)
    return folder
