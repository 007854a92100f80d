"""Learning from drawings: which images it uses for what, and what is known of them afterwards."""

import numpy as np
import pytest

from handgrad.classifier import read_bundle
from handgrad.runs.trained_on import FILE, INCOMPLETE, image_digests, trained_on
from handgrad.web import handwriting
from handgrad.web.session import Session
from tests.web.asking import finished_run


@pytest.fixture
def session(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings = {"model": "softmax-regression", "epochs": 1, "validation": 0.2, "seed": 5}
    finished_run(tmp_path / "runs/a", data="digits", **settings)
    return Session(tmp_path / "runs/a")


def learned(session, drawings):
    """Learn drawings, and return the folder and the metadata of the new model."""
    _, folder = handwriting.learn(session, drawings.images, drawings.labels, lambda *_: None)
    return folder, read_bundle(folder / "model.safetensors").about


def test_the_calibration_images_are_those_that_neither_model_was_trained_on(session, monkeypatch):
    trained, calibrated = [], []
    fit, calibrate_on = handwriting.fit, handwriting.calibrate_on

    def watched_fit(model, images, *rest, **options):
        trained.append(image_digests(images.images))
        return fit(model, images, *rest, **options)

    def watched_calibration(model, validation, *rest):
        calibrated.append(image_digests(validation.images))
        return calibrate_on(model, validation, *rest)

    monkeypatch.setattr(handwriting, "fit", watched_fit)
    monkeypatch.setattr(handwriting, "calibrate_on", watched_calibration)
    train, test = session.data
    learned(session, test.take(range(handwriting.MIN_DRAWINGS)))
    _, validation = train.split(0.2, 5)
    (found,) = calibrated
    assert np.array_equal(found, image_digests(validation.images))
    assert len(trained) == handwriting.FOLDS + 1
    assert not np.isin(found, np.concatenate(trained)).any()


@pytest.mark.parametrize("is_known", [True, False])
def test_the_new_model_knows_its_training_images_or_says_that_some_are_missing(session, is_known):
    train, test = session.data
    drawings = test.take(range(handwriting.MIN_DRAWINGS))
    if not is_known:
        (session.path / FILE).unlink()
    folder, about = learned(session, drawings)
    file = folder / "model.safetensors"
    assert trained_on(file, about, drawings.images).all()
    assert trained_on(file, about, train.images).all() == is_known
    assert about.get(INCOMPLETE, False) == (not is_known)
    assert folder.name == "a-handwriting-1"
