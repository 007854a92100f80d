import tomllib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

import handgrad as hg
from handgrad.data import SOURCES, Dataset
from handgrad.models import MODELS
from handgrad.runs.config import EPOCHS, LRS, OTHER_EPOCHS, Config, nearest
from handgrad.schedules import Constant, Cosine, OneCycle, Plateau, Step


def images(shape=(1, 8, 8), classes=10):
    count = 2 * classes
    X = np.zeros((count, *shape), np.uint8)
    return Dataset.from_arrays(X, np.arange(count) % classes, name="squares")


def test_without_settings_it_is_smallnet_on_digits():
    config = Config()
    assert (config.data, config.model, config.epochs) == ("digits", "smallnet", EPOCHS["digits"])
    assert config.recipe(range(10)).optimizer == hg.AdamW(LRS["adamw"])
    assert config.recipe(range(10)).engine == hg.Recipe().engine


def test_epochs_depend_on_the_data_unless_given():
    assert Config(data="mnist").epochs == OTHER_EPOCHS
    assert Config(data="mnist", epochs=3).epochs == 3


def test_an_augmentation_is_kept_in_full_whatever_a_preset_becomes():
    config = Config(augment="fashion,rotation=5")
    assert config.augment == "shift=0.07,rotation=5,flip=true"
    assert config.recipe(range(10)).augment == hg.Augmentation.of("fashion,rotation=5")
    assert Config.model_validate(tomllib.loads(config.toml())) == config
    assert Config(augment="shift=0").augment == Config().augment == "none"
    assert Config().recipe(range(10)).augment is None


@pytest.mark.parametrize(
    ("settings", "optimizer"),
    [
        ({"optimizer": "sgd"}, hg.SGD(LRS["sgd"])),
        ({"optimizer": "sgd", "weight_decay": 0.1, "lr": 2}, hg.SGD(2.0, 0.1)),
        ({"optimizer": "momentum"}, hg.Momentum(LRS["momentum"], 0.9)),
        ({"optimizer": "momentum", "momentum": 0}, hg.Momentum(LRS["momentum"], 0.0)),
        ({"optimizer": "nesterov"}, hg.Momentum(LRS["nesterov"], 0.9, nesterov=True)),
        ({"optimizer": "adam"}, hg.Adam(LRS["adam"])),
        ({"optimizer": "adamw", "weight_decay": 0}, hg.AdamW(LRS["adamw"], weight_decay=0.0)),
    ],
)
def test_an_optimizer_gets_its_own_rate_and_what_was_given(settings, optimizer):
    assert Config(**settings).recipe(range(10)).optimizer == optimizer


@pytest.mark.parametrize(
    ("name", "schedule"),
    [
        ("constant", Constant()),
        ("step", Step(every=4)),
        ("cosine", Cosine()),
        ("one-cycle", OneCycle()),
        ("plateau", Plateau()),
    ],
)
def test_schedules_by_name(name, schedule):
    assert Config(schedule=name, epochs=10).recipe(range(10)).schedule == schedule


def test_zero_and_none_switch_off():
    recipe = Config(patience=0, clip_norm=0, class_weights="none").recipe(range(10))
    assert (recipe.patience, recipe.clip_norm, recipe.class_weights) == (None, None, None)


def test_what_is_given_reaches_the_recipe():
    config = Config(
        epochs=7, batch_size=5, label_smoothing=0.1, clip_norm=2, patience=3, min_delta=0.01, seed=9
    )
    recipe = config.recipe(range(10))
    assert (recipe.epochs, recipe.batch_size, recipe.seed) == (7, 5, 9)
    assert recipe.loss == hg.SoftmaxCrossEntropy(0.1)
    assert (recipe.clip_norm, recipe.patience, recipe.min_delta) == (2.0, 3, 0.01)


@pytest.mark.parametrize("given", ["3=2,5=0.5", {"3": 2, "5": 0.5}, {3: 2, 5: 0.5}])
def test_class_weights_by_label_leave_the_others_at_one(given):
    weights = Config(class_weights=given).recipe(range(10)).class_weights
    assert weights == {k: {3: 2.0, 5: 0.5}.get(k, 1.0) for k in range(10)}


def test_class_weights_of_strings_and_balanced():
    assert Config(class_weights="a=b=2").recipe(["a=b", "c"]).class_weights == {"a=b": 2, "c": 1}
    assert Config(class_weights="balanced").recipe(range(3)).class_weights == "balanced"


def test_a_class_that_there_is_not_is_named_with_the_nearest():
    with pytest.raises(hg.ConfigError, match=r"there is no class dgo; the nearest is dog"):
        Config(class_weights="dgo=2").recipe(["cat", "dog"])


@pytest.mark.parametrize("given", ["3", "3=x", "3=0", {"3": -1}, {"3": "nan"}, 5, [1], "3=2,3"])
def test_class_weights_that_are_none(given):
    with pytest.raises(ValidationError, match="none, balanced, or numbers above 0"):
        Config(class_weights=given)


@pytest.mark.parametrize("model", MODELS)
def test_networks_by_name_are_those_of_the_model(model):
    train = images((1, 28, 28))
    layers = Config(model=model, seed=3).network(train).snapshot()
    expected = hg.Network(MODELS[model](), train.shape, train.classes, seed=3).snapshot()
    assert layers.keys() == expected.keys()
    assert all(np.array_equal(layers[name], expected[name]) for name in layers)


def test_a_model_that_does_not_fit_names_data_shape_and_layer():
    with pytest.raises(
        hg.ModelError, match=r"^convnet cannot take the images of squares \(1x8x8\): layer 3"
    ):
        Config(model="convnet").network(images())


def test_a_config_is_a_value():
    with pytest.raises(ValidationError):
        Config().epochs = 3
    with pytest.raises(ValidationError, match="Extra inputs"):
        Config(epoch=3)


def test_out_says_where_and_is_not_written_down():
    config = Config(out="somewhere", momentum=None)
    assert "out" not in config.plain()
    assert "momentum" not in config.plain()
    assert "out" not in config.toml()


def test_a_tilde_in_out_is_the_home_folder(monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    assert Config(out="~/run").out == Path("/home/me/run")
    with pytest.raises(ValidationError, match="must name a folder"):
        Config(out="")


small = st.floats(0, 0.99)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "data": st.sampled_from([*SOURCES]),
            "model": st.sampled_from([*MODELS]),
            "epochs": st.integers(1, 2**31 - 1),
            "lr": st.floats(1e-300, 1e300),
            "schedule": st.sampled_from(["constant", "plateau"]),
            "label_smoothing": small,
            "validation": small,
            "seed": st.integers(0, 2**63 - 1),
            "figures": st.booleans(),
            "folder": st.text(min_size=1).map(Path),
            "class_weights": st.just("balanced")
            | st.dictionaries(st.text().map(str.strip).filter(bool), st.floats(1e-9, 1e9)),
        },
    ),
    st.sampled_from(["sgd", "momentum", "nesterov", "adam", "adamw"]),
)
def test_toml_brings_back_the_same_config(settings, optimizer):
    config = Config(**settings, optimizer=optimizer)
    assert Config(**tomllib.loads(config.toml())) == config


def test_the_nearest_name():
    assert nearest("epoch", ["lr", "epochs", "batch_size"]) == "epochs"
    assert nearest("???", ["lr", "seed"]) in ("lr", "seed")


def test_device_amp_and_compile_are_for_the_engine_torch():
    assert Config(engine="torch").recipe(range(10)).engine == "torch"
    engine = Config(engine="torch", device="cpu", amp=True).recipe(range(10)).engine
    assert engine.keywords == {"device": "cpu", "amp": True}
    for name, value in (("device", "cuda"), ("amp", "true"), ("compile", False)):
        with pytest.raises(ValidationError, match=f"the engine reference has no {name}; choose to"):
            Config(engine="reference", **{name: value})
    assert "device" not in Config().plain()
