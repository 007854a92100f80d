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
from handgrad.runs.config import EPOCHS, LRS, OTHER_EPOCHS, RunConfig
from handgrad.runs.settings import on_resume
from handgrad.schedules import Constant, Cosine, OneCycle, Plateau, Step
from handgrad.train_config import TrainConfig
from tests.runs import train_options_source


def images(shape=(1, 8, 8), classes=10):
    count = 2 * classes
    X = np.zeros((count, *shape), np.uint8)
    return Dataset.from_arrays(X, np.arange(count) % classes, name="squares")


def test_default_is_smallnet_on_digits():
    config = RunConfig()
    assert (config.data, config.model, config.epochs) == ("digits", "smallnet", EPOCHS["digits"])
    assert config.train_config(range(10)).optimizer == hg.AdamW(LRS["adamw"])
    assert config.train_config(range(10)).engine == hg.TrainConfig().engine


def test_default_epochs_depend_on_the_data():
    assert RunConfig(data="mnist").epochs == OTHER_EPOCHS
    assert RunConfig(data="mnist", epochs=3).epochs == 3


@pytest.mark.parametrize(
    ("count", "settings", "epochs", "patience"),
    [
        (79, {}, 200, 200),  # 2 updates in each epoch
        (900, {}, 39, 39),  # 13
        (3600, {}, 10, 10),  # 51
        (79, {"epochs": 10}, 10, 10),
        (79, {"patience": 5}, 200, 5),
        (79, {"batch_size": 8}, 56, 56),  # 9
    ],
)
def test_few_images_of_the_user_get_more_epochs(tmp_path, count, settings, epochs, patience):
    images = np.random.default_rng(0).integers(0, 256, (count, 4, 4), np.uint8)
    train = hg.Dataset.from_arrays(images, np.arange(count) % 3)
    fitted = RunConfig(data=str(tmp_path / "mine.npz"), **settings).fitted_to(train)
    assert (fitted.epochs, fitted.patience) == (epochs, patience)
    assert RunConfig.model_validate(fitted.plain()).fitted_to(train) == fitted
    assert RunConfig(data="mnist").fitted_to(train.take(range(70))).epochs == OTHER_EPOCHS


def test_augmentation_preset_is_stored_with_all_its_settings():
    config = RunConfig(augment="fashion,rotation=5")
    assert config.augment == "shift=0.07,rotation=5,flip=true"
    assert config.train_config(range(10)).augment == hg.Augmentation.of("fashion,rotation=5")
    assert RunConfig.model_validate(tomllib.loads(config.toml())) == config
    assert RunConfig(augment="shift=0").augment == RunConfig().augment == "none"
    assert RunConfig().train_config(range(10)).augment is None


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
def test_optimizer_gets_its_default_lr_and_given_values(settings, optimizer):
    assert RunConfig(**settings).train_config(range(10)).optimizer == optimizer


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
def test_schedule_by_name(name, schedule):
    assert RunConfig(schedule=name, epochs=10).train_config(range(10)).schedule == schedule


def test_zero_and_none_disable_a_setting():
    recipe = RunConfig(patience=0, clip_norm=0, class_weights="none").train_config(range(10))
    assert (recipe.patience, recipe.clip_norm, recipe.class_weights) == (None, None, None)


def test_given_settings_reach_the_train_config():
    config = RunConfig(
        epochs=7, batch_size=5, label_smoothing=0.1, clip_norm=2, patience=3, min_delta=0.01, seed=9
    )
    recipe = config.train_config(range(10))
    assert (recipe.epochs, recipe.batch_size, recipe.seed) == (7, 5, 9)
    assert recipe.loss == hg.SoftmaxCrossEntropy(0.1)
    assert (recipe.clip_norm, recipe.patience, recipe.min_delta) == (2.0, 3, 0.01)


@pytest.mark.parametrize("given", ["3=2,5=0.5", {"3": 2, "5": 0.5}, {3: 2, 5: 0.5}])
def test_labels_without_class_weight_have_weight_1(given):
    weights = RunConfig(class_weights=given).train_config(range(10)).class_weights
    assert weights == {k: {3: 2.0, 5: 0.5}.get(k, 1.0) for k in range(10)}


def test_class_weights_of_string_labels_and_balanced():
    assert RunConfig(class_weights="a=b=2").train_config(["a=b", "c"]).class_weights == {
        "a=b": 2,
        "c": 1,
    }
    assert RunConfig(class_weights="balanced").train_config(range(3)).class_weights == "balanced"


def test_unknown_class_is_refused_with_a_similar_name():
    with pytest.raises(
        hg.ConfigError, match=r"class dgo; the classes are cat, dog; did you mean dog"
    ):
        RunConfig(class_weights="dgo=2").train_config(["cat", "dog"])


@pytest.mark.parametrize("given", ["3", "3=x", "3=0", {"3": -1}, {"3": "nan"}, 5, [1], "3=2,3"])
def test_invalid_class_weights_are_refused(given):
    with pytest.raises(ValidationError, match="none, balanced, or a number above 0 for each label"):
        RunConfig(class_weights=given)


@pytest.mark.parametrize("model", MODELS)
def test_network_by_name_is_the_built_in_network(model):
    train = images((1, 28, 28))
    layers = RunConfig(model=model, seed=3).network(train).snapshot()
    expected = hg.Network(MODELS[model](), train.shape, len(train.classes), seed=3).snapshot()
    assert layers.keys() == expected.keys()
    assert all(np.array_equal(layers[name], expected[name]) for name in layers)


def test_model_that_does_not_fit_names_data_shape_and_layer():
    with pytest.raises(
        hg.ModelError, match=r"^convnet cannot take the images of squares \(1x8x8\): layer 3"
    ):
        RunConfig(model="convnet").network(images())


def test_run_config_is_frozen():
    with pytest.raises(ValidationError):
        RunConfig().epochs = 3
    with pytest.raises(ValidationError, match="Extra inputs"):
        RunConfig(epoch=3)


def test_out_is_not_stored():
    config = RunConfig(out="somewhere", momentum=None)
    assert "out" not in config.plain()
    assert "momentum" not in config.plain()
    assert "out" not in config.toml()


def test_tilde_in_out_is_the_home_folder(monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    assert RunConfig(out="~/run").out == Path("/home/me/run")
    with pytest.raises(ValidationError, match="must be the name of a folder"):
        RunConfig(out="")


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
            "data_dir": st.text(min_size=1).map(Path),
            "class_weights": st.just("balanced")
            | st.dictionaries(st.text().map(str.strip).filter(bool), st.floats(1e-9, 1e9)),
        },
    ),
    st.sampled_from(["sgd", "momentum", "nesterov", "adam", "adamw"]),
)
def test_toml_round_trip(settings, optimizer):
    config = RunConfig(**settings, optimizer=optimizer)
    assert RunConfig(**tomllib.loads(config.toml())) == config


def test_for_a_misspelt_folder_the_existing_folders_are_listed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("birds", "leaves"):
        Path(name).mkdir()
    with pytest.raises(ValidationError, match=r"your own images \(here: birds, leaves\); did you"):
        RunConfig(data="brids")
    with pytest.raises(ValidationError, match=r"your own images \(here: birds, leaves\) \["):
        RunConfig(data="xyz")


def test_every_field_of_the_train_config_has_the_same_name_and_rules():
    only_in_python = {"loss"}  # label_smoothing stands for it
    for name, field in TrainConfig.__dataclass_fields__.items():
        if name not in only_in_python:
            assert on_resume(name) == field.metadata["on_resume"], name


def test_the_options_of_the_command_line_are_up_to_date():
    written = train_options_source.FILE.read_text("utf-8")
    assert written == train_options_source.source(), "run python -m tests.runs.train_options_source"


def test_device_amp_and_compile_are_only_for_torch():
    assert RunConfig(engine="torch").train_config(range(10)).engine == "torch"
    engine = RunConfig(engine="torch", device="cpu", amp=True).train_config(range(10)).engine
    assert engine.keywords == {"device": "cpu", "amp": True}
    for name, value in (("device", "cuda"), ("amp", "true"), ("compile", False)):
        with pytest.raises(ValidationError, match=f"the engine reference has no {name}; choose to"):
            RunConfig(engine="reference", **{name: value})
    assert "device" not in RunConfig().plain()
