from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits, load_iris
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import handgrad as hg
from handgrad.estimator import HandgradClassifier

SEEDS = 5
LEAST_CHECKS = 62


@pytest.fixture(scope="module")
def digits() -> tuple[np.ndarray, np.ndarray]:
    X, y = load_digits(return_X_y=True)
    return X[:600], y[:600]


@pytest.fixture(scope="module")
def iris() -> tuple[np.ndarray, np.ndarray]:
    X, y = load_iris(return_X_y=True)
    return X, np.array(["setosa", "versicolor", "virginica"])[y]


@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, SEEDS))]
)
def test_scikit_learns_own_checks(seed: int) -> None:
    """The checks run in a separate process, because SciPy reads SCIPY_ARRAY_API on import."""
    settings = {"SCIPY_ARRAY_API": "1", "SKLEARN_TESTS_GLOBAL_RANDOM_SEED": str(seed)}
    checks = Path(__file__).parent / "estimator_checks.py"
    ended = subprocess.run(
        [sys.executable, "-W", "error::UserWarning", checks],
        env=os.environ | settings,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    passed = int(ended.stdout.removesuffix(" passed\n"))
    assert passed >= LEAST_CHECKS


class Backwards(HandgradClassifier):
    """A classifier that returns its predictions in the wrong order."""

    def predict(self, X: np.ndarray) -> np.ndarray:
        return super().predict(X)[::-1]


def test_the_checks_can_fail() -> None:
    from sklearn.utils.estimator_checks import check_estimator

    with pytest.raises(AssertionError):
        check_estimator(Backwards(epochs=2), on_skip=None)


def test_images_in_rows(digits: tuple[np.ndarray, np.ndarray]) -> None:
    X, y = digits
    classifier = HandgradClassifier(image_shape=(8, 8), epochs=8, random_state=0)
    classifier.fit(X[:500], y[:500])
    assert classifier.score(X[500:], y[500:]) > 0.9
    assert classifier.classifier_.shape == (1, 8, 8)
    assert classifier.classifier_.network.layers[1:2] == tuple(hg.models.smallnet()[1:2])
    assert classifier.classifier_.classes == tuple(range(10))
    assert len(classifier.history_) == classifier.n_iter_ == len(classifier.loss_curve_) == 8
    assert classifier.loss_curve_[-1] < classifier.loss_curve_[0] / 2


def test_string_labels_tables_pipelines_search_and_cross_validation(
    iris: tuple[np.ndarray, np.ndarray],
) -> None:
    X, y = iris
    table = pd.DataFrame(X, columns=["a", "b", "c", "d"])
    pipeline = make_pipeline(StandardScaler(), HandgradClassifier(random_state=0))
    assert cross_val_score(pipeline, table, y, cv=3).mean() > 0.9
    search = GridSearchCV(pipeline, {"handgradclassifier__epochs": [1, 60]}, cv=3).fit(table, y)
    assert search.best_params_ == {"handgradclassifier__epochs": 60}
    assert search.predict(table.iloc[:1]).tolist() == ["setosa"]
    classifier = HandgradClassifier(random_state=0).fit(table, y)
    assert classifier.feature_names_in_.tolist() == ["a", "b", "c", "d"]
    assert classifier.classifier_.classes == ("setosa", "versicolor", "virginica")


def test_clone_and_pickle(iris: tuple[np.ndarray, np.ndarray]) -> None:
    X, y = iris
    classifier = HandgradClassifier([hg.Flatten(), hg.Dense()], epochs=3, random_state=1)
    copy = clone(classifier).fit(X, y)
    classifier.fit(X, y)
    assert np.array_equal(copy.predict_proba(X), classifier.predict_proba(X))
    classifier.partial_fit(X, y)
    back = pickle.loads(pickle.dumps(classifier))
    assert np.array_equal(back.predict_proba(X), classifier.predict_proba(X))
    back.partial_fit(X, y)
    assert back.n_iter_ == 5


def test_the_model_file_answers_as_the_classifier(
    iris: tuple[np.ndarray, np.ndarray], tmp_path: Path
) -> None:
    X, y = iris
    classifier = HandgradClassifier(epochs=3, random_state=1).fit(X, y)
    classifier.classifier_.save(tmp_path / "m.safetensors")
    net = hg.load_model(tmp_path / "m.safetensors")
    images = X.astype(np.float32).reshape(-1, 1, 1, 4)
    assert np.array_equal(net.predict(images), classifier.predict(X))


def test_bytes_and_numbers_of_the_same_value_are_one(
    digits: tuple[np.ndarray, np.ndarray],
) -> None:
    X, y = digits
    bright = (X * 15).astype(np.uint8)
    of_bytes = HandgradClassifier("softmax-regression", random_state=0).fit(bright, y)
    assert of_bytes.score(bright, y) > 0.9
    floats = of_bytes.predict_proba(bright.astype(float))
    assert floats == pytest.approx(of_bytes.predict_proba(bright), abs=1e-6)


def test_weights_count(iris: tuple[np.ndarray, np.ndarray]) -> None:
    X, y = iris
    weights = np.where(y == "virginica", 1e-6, 1.0)
    model = HandgradClassifier(random_state=0)
    assert (model.fit(X, y, sample_weight=weights).predict(X) == "virginica").mean() < 0.2
    model.set_params(class_weight={"setosa": 1, "versicolor": 1, "virginica": 1000})
    assert (model.fit(X, y).predict(X) == "virginica").mean() > 0.34
    both = model.fit(X, y, sample_weight=np.where(y == "virginica", 1e-3, 1.0)).predict_proba(X)
    model.set_params(class_weight=None)
    assert both == pytest.approx(model.fit(X, y).predict_proba(X), abs=1e-4)
    balanced = HandgradClassifier(class_weight="balanced", random_state=0).fit(X[40:], y[40:])
    assert balanced.score(X, y) > 0.9


def test_warm_start_continues_the_training(iris: tuple[np.ndarray, np.ndarray]) -> None:
    X, y = iris
    classifier = HandgradClassifier(epochs=4, warm_start=True, random_state=0).fit(X, y)
    net = classifier.classifier_
    classifier.fit(X, y)
    assert classifier.classifier_ is net
    assert len(classifier.loss_curve_) == 8
    assert len(classifier.history_) == 4
    assert classifier.loss_curve_[4] < classifier.loss_curve_[0]
    with pytest.raises(ValueError, match="y contains the class 'rose', which is not one of"):
        classifier.fit(X, np.where(y == "setosa", "rose", y))
    classifier.set_params(warm_start=False).fit(X, y)
    assert classifier.classifier_ is not net
    assert len(classifier.loss_curve_) == 4


def test_early_stopping_uses_validation_examples_and_restores_the_best_weights(
    digits: tuple[np.ndarray, np.ndarray],
) -> None:
    X, y = digits
    classifier = HandgradClassifier(
        "softmax-regression",
        epochs=200,
        learning_rate=1.0,
        early_stopping=True,
        validation_fraction=0.2,
        patience=3,
        random_state=0,
    ).fit(X, y)
    history = classifier.history_
    assert history.stopped_early
    assert history.best_epoch == len(history) - 3
    assert history[0].validation_loss is not None


def test_partial_fit_learns_in_several_calls(digits: tuple[np.ndarray, np.ndarray]) -> None:
    X, y = digits
    classifier = HandgradClassifier(random_state=0, batch_size=20)
    with pytest.raises(ValueError, match="the first call of partial_fit requires all classes"):
        classifier.partial_fit(X, y)
    for _ in range(6):
        for at in range(0, 500, 100):
            some = slice(at, at + 100)
            classifier.partial_fit(X[some], y[some], classes=np.arange(10))
    assert classifier.score(X[500:], y[500:]) > 0.8
    assert classifier.n_iter_ == 30
    with pytest.raises(ValueError, match="cannot be changed"):
        classifier.partial_fit(X, y, classes=np.arange(11))
    with pytest.raises(ValueError, match="y contains the class 10"):
        classifier.partial_fit(X, y + 1)


def test_an_example_of_weight_two_equals_two_copies_of_it(
    iris: tuple[np.ndarray, np.ndarray],
) -> None:
    X, y = iris[0][::4], iris[1][::4]
    weights = np.arange(len(X)) % 3
    order = np.random.default_rng(0).permutation(int(weights.sum()))
    twice = np.repeat(np.arange(len(X)), weights)[order]
    weighted = HandgradClassifier(random_state=0).fit(X, y, sample_weight=weights)
    repeated = HandgradClassifier(random_state=0).fit(X[twice], y[twice])
    assert np.array_equal(weighted.predict_proba(X), repeated.predict_proba(X))


MUST = "The {!r} parameter of HandgradClassifier must be".format


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"model": "smalnet"}, "there is no model 'smalnet'"),
        ({"image_shape": (3, 3)}, r"image_shape \(3, 3\) does not match rows of 4 numbers"),
        ({"image_shape": (2.0, 2.0)}, "does not match rows of 4 numbers"),
        ({"image_shape": (-2, -2)}, "does not match rows of 4 numbers"),
        ({"image_shape": "22"}, f"{MUST('image_shape')} .+ Got '22' instead"),
        ({"image_shape": 4}, f"{MUST('image_shape')} .+ Got 4 instead"),
        ({"model": 5}, f"{MUST('model')} .+ Got 5 instead"),
        ({"model": []}, "a network needs at least one layer"),
        ({"epochs": 0}, rf"{MUST('epochs')} an int in the range \[1, inf\) or None. Got 0 instead"),
        ({"epochs": 2.5}, f"{MUST('epochs')} .+ Got 2.5 instead"),
        ({"batch_size": 0}, rf"{MUST('batch_size')} an int in the range \[1, inf\). Got 0 instead"),
        ({"batch_size": None}, f"{MUST('batch_size')} .+ Got None instead"),
        ({"learning_rate": -1}, f"{MUST('learning_rate')} a float .+ Got -1 instead"),
        ({"learning_rate": 0}, f"{MUST('learning_rate')} a float .+ Got 0 instead"),
        ({"learning_rate": np.nan}, f"{MUST('learning_rate')} a float .+ Got nan instead"),
        ({"learning_rate": np.inf}, f"{MUST('learning_rate')} a float .+ Got inf instead"),
        ({"learning_rate": "a"}, f"{MUST('learning_rate')} a float .+ Got 'a' instead"),
        ({"weight_decay": "x"}, f"{MUST('weight_decay')} a float .+ Got 'x' instead"),
        ({"class_weight": "foo"}, f"{MUST('class_weight')} .+ Got 'foo' instead"),
        ({"engine": "steam"}, "there is no engine 'steam'"),
        ({"engine": None}, f"{MUST('engine')} an instance of 'str'. Got None instead"),
        ({"early_stopping": "yes"}, f"{MUST('early_stopping')} .+ Got 'yes' instead"),
        ({"validation_fraction": 7}, f"{MUST('validation_fraction')} .+ Got 7 instead"),
        ({"validation_fraction": "a"}, f"{MUST('validation_fraction')} .+ Got 'a' instead"),
        ({"early_stopping": True, "validation_fraction": 2}, MUST("validation_fraction")),
        ({"early_stopping": True, "patience": None}, f"{MUST('patience')} .+ Got None instead"),
        ({"model": [hg.Dense(4)]}, "takes flat input"),
    ],
)
def test_wrong_settings_are_value_errors(
    settings: dict[str, object], sentence: str, iris: tuple[np.ndarray, np.ndarray]
) -> None:
    with pytest.raises(ValueError, match=sentence):
        HandgradClassifier(**settings).fit(*iris)


@pytest.mark.parametrize(
    ("weights", "sentence"),
    [
        (-np.ones(150), "must not be negative, and the weights must not all be zero"),
        (np.zeros(150), "the weights must not all be zero"),
        (
            np.ones((150, 2)),
            r"sample_weight must have one number per example, not shape \(150, 2\)",
        ),
        (np.ones(149), "inconsistent numbers of samples"),
    ],
)
def test_wrong_weights_are_value_errors(
    weights: np.ndarray, sentence: str, iris: tuple[np.ndarray, np.ndarray]
) -> None:
    with pytest.raises(ValueError, match=sentence):
        HandgradClassifier().fit(*iris, sample_weight=weights)


@pytest.mark.parametrize(
    ("class_weight", "sentence"),
    [
        (
            {"setosa": -1},
            "class_weight must not be negative, and the weights must not all be zero",
        ),
        ({"setosa": np.nan}, "Input class_weight contains NaN"),
        ({"setosa": 1e300}, "Input class_weight contains infinity"),
        (
            dict.fromkeys(("setosa", "versicolor", "virginica"), 0),
            "and the weights must not all be zero",
        ),
    ],
)
def test_wrong_weights_of_classes_are_value_errors(
    class_weight: dict[str, float], sentence: str, iris: tuple[np.ndarray, np.ndarray]
) -> None:
    for learn in (HandgradClassifier.fit, HandgradClassifier.partial_fit):
        more = {} if learn is HandgradClassifier.fit else {"classes": np.unique(iris[1])}
        with pytest.raises(ValueError, match=sentence):
            learn(HandgradClassifier(class_weight=class_weight), *iris, **more)


def test_weights_that_together_exclude_all_examples(iris: tuple[np.ndarray, np.ndarray]) -> None:
    X, y = iris
    only = (y == "setosa").astype(float)
    with pytest.raises(ValueError, match="together give all examples weight zero"):
        HandgradClassifier(class_weight={"setosa": 0}).fit(X, y, sample_weight=only)


@pytest.mark.parametrize("engine", ["reference", "auto"])
@pytest.mark.parametrize("copied", [copy.deepcopy, lambda c: pickle.loads(pickle.dumps(c))])
def test_a_copy_continues_like_the_classifier(
    engine: str,
    copied: Callable[[HandgradClassifier], HandgradClassifier],
    iris: tuple[np.ndarray, np.ndarray],
) -> None:
    X, y = iris
    classifier = HandgradClassifier(random_state=0, engine=engine)
    classifier.partial_fit(X, y, classes=np.unique(y))
    before = classifier.predict_proba(X)
    other = copied(copied(classifier))  # the second is of one that has no engine yet
    classifier.partial_fit(X, y)
    assert np.array_equal(other.predict_proba(X), before)  # they share nothing
    other.partial_fit(X, y)
    assert np.array_equal(other.predict_proba(X), classifier.predict_proba(X))
