"""Hints: each symptom is recognised in a network that shows it, and healthy networks have none."""

from collections.abc import Sequence

import numpy as np
import pytest

import handgrad as hg
from handgrad.engines.reference import ReferenceEngine
from handgrad.errors import DivergenceError
from handgrad.layers import Dense, Flatten, Sigmoid
from handgrad.optim import SGD
from handgrad.runs.settings import configure
from handgrad.train import fit
from handgrad.train.run import TrainingRun
from handgrad.web.training.hints import Facts, Hint, hints
from handgrad.web.training.measure import Losses, probe

CLASSES = 10


@pytest.fixture(scope="module")
def digits() -> hg.Dataset:
    return hg.load_data("digits")[0].take(np.arange(640))


def measured(data: hg.Dataset, **settings: object) -> list[Facts]:
    """Train a named network for some epochs, and return what is known after each."""
    config = configure({"engine": "reference", "patience": 0, **settings}, environment={})
    train, _ = data.split(0.1)
    losses, seen, records, facts = Losses(), [], [], []

    def before_steps(run: TrainingRun) -> None:
        if not seen:
            losses.begin(run)
        seen[:] = [run]

    def on_epoch(record: hg.train.Epoch) -> None:
        records.append(record)
        losses.next_epoch()
        facts.append(Facts(config, CLASSES, list(records), **losses.facts(), **probe(seen[0])))

    try:
        fit(
            hg.Classifier(config.network(train), data.classes),
            data,
            config.train_config(data.classes),
            on_epoch=on_epoch,
            on_progress=lambda _: losses.add(seen[0], 1.0),
            before_steps=before_steps,
        )
    except DivergenceError as error:
        facts.append(Facts(config, CLASSES, records, diverged_at=error.step))
    return facts


def names(found: Sequence[Hint]) -> set[str]:
    return {hint.name for hint in found}


@pytest.mark.parametrize(
    ("name", "settings", "remedy"),
    [
        ("not-falling", {"model": "two-layer", "lr": 1e-6, "epochs": 12}, {"lr": 3e-6}),
        (
            "lr-too-high",
            {
                "model": "softmax-regression",
                "optimizer": "sgd",
                "lr": 30,
                "epochs": 4,
                "schedule": "constant",
            },
            {"lr": 15},
        ),
        (
            "dead-relus",
            {"model": "two-layer", "optimizer": "sgd", "lr": 5, "epochs": 6},
            {"lr": 2.5},
        ),
        (
            "diverged",
            {"model": "two-layer", "optimizer": "sgd", "lr": 1e30, "epochs": 1},
            {"lr": 5e29},
        ),
    ],
)
def test_a_symptom_is_recognised(digits, name, settings, remedy):
    found = [hint for facts in measured(digits, **settings) for hint in hints(facts)]
    assert name in names(found)
    hint = next(hint for hint in found if hint.name == name)
    assert hint.remedy == pytest.approx(remedy)
    assert hint.number >= hint.limit


def test_overfitting_is_recognised(digits):
    rng = np.random.default_rng(0)
    labels = np.where(
        rng.random(len(digits)) < 0.4, rng.integers(0, 10, len(digits)), digits.labels
    )
    noisy = hg.Dataset(digits.images, labels, digits.classes)
    facts = measured(noisy, model="two-layer", epochs=25, lr=0.02)
    (hint,) = hints(facts[-1])
    assert (hint.name, hint.remedy) == ("overfitting", {"augment": "light"})
    losses = [record.validation_loss for record in facts[-1].records]
    assert hint.number == pytest.approx(losses[-1] / min(losses))
    config = facts[-1].config.model_copy(update={"augment": "shift=0.1"})
    assert hints(facts[-1]._replace(config=config))[0].remedy == {"weight_decay": 0.03}


def test_vanishing_gradients_are_recognised(digits):
    layers = [Flatten(), *[layer for _ in range(7) for layer in (Dense(16), Sigmoid())], Dense()]
    config = hg.TrainConfig(optimizer=SGD(0.1))
    net = hg.Network(layers, digits.shape, CLASSES)
    run = TrainingRun(net, ReferenceEngine(net, config), config, digits)
    settings = configure({"optimizer": "sgd"}, environment={})
    (hint,) = hints(Facts(settings, CLASSES, [], **probe(run)))
    assert hint.name == "vanishing-gradients"
    assert hint.number < hint.limit
    assert hint.starts_again
    assert hint.remedy["optimizer"] == "adamw"


@pytest.mark.parametrize("model", ["softmax-regression", "two-layer", "fashion-mlp", "smallnet"])
def test_a_healthy_network_has_no_hint(digits, model):
    epochs = 4 if model == "smallnet" else 12
    for facts in measured(digits, model=model, epochs=epochs):
        assert hints(facts) == []


def test_without_measurements_there_is_no_hint():
    assert hints(Facts(configure({}, environment={}), CLASSES, [])) == []


def test_a_small_loss_that_stays_small_is_healthy():
    facts = Facts(configure({}, environment={}), CLASSES, [], 500, 0.02, 0.02)
    assert hints(facts._replace(recent_loss=0.02)) == []
    assert hints(facts._replace(recent_loss=0.05)) == []
    assert names(hints(facts._replace(recent_loss=2.0))) == {"lr-too-high"}


def test_a_probe_changes_nothing(digits):
    config = hg.TrainConfig()
    net = hg.Network(hg.models.fashion_mlp(), digits.shape, CLASSES)
    before = net.snapshot()
    probe(TrainingRun(net, ReferenceEngine(net, config), config, digits))
    for name, array in net.arrays.items():
        np.testing.assert_array_equal(array, before[name])


def test_points_survive_a_rollback(digits):
    """With on_divergence, the run returns to the last checkpoint within the epoch."""
    config = configure(
        {"engine": "reference", "model": "two-layer", "optimizer": "sgd", "lr": 1e20}
        | {"on_divergence": "lower-lr", "epochs": 1, "schedule": "constant"},
        environment={},
    )
    losses, points = Losses(), []
    seen: list[TrainingRun] = []

    def on_progress(_: float) -> None:
        losses.add(seen[0], 0.1)
        points.append(losses.point(seen[0]))

    def before_steps(run: TrainingRun) -> None:
        if not seen:
            losses.begin(run)
            seen.append(run)

    with pytest.raises(DivergenceError):
        fit(
            hg.Classifier(config.network(digits), digits.classes),
            digits,
            config.train_config(digits.classes),
            on_progress=on_progress,
            before_steps=before_steps,
        )
    assert len({point["step"] for point in points}) < len(points)
    assert all(0 <= point["accuracy"] <= 1 for point in points)
    assert all(point["images_per_second"] >= 0 for point in points)
